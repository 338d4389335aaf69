# For test scripts: SimpleSAMLphp (Debian's packages simplesamlphp and php-fpm) as an IdP that is not ours, private and on a port of its
# own. To be sourced by bash.
#   ssp_start DIR PORT    starts it; SSP_URL, SSP_ENTITY, SSP_METADATA (file) and SSP_CA (of its https) are set
#   ssp_trust FILE [PHP]  makes it know the service provider whose metadata is in FILE; PHP: more settings for that service provider
#   ssp_stop
# Its accounts are in ssp_accounts() below, all with the password "geheim". Needs php-fpm, php-cli, php-xml, php-mbstring, simplesamlphp, nginx.

ssp_pids=()

ssp_accounts() {
	cat <<'END'
<?php
// name => [ePPN values, mail values, displayName values, jaDisplayName values]
$accounts = [
    'sachiko' => [['Sachiko@ssp.example.ac.jp'], ['sachiko@ssp.example.ac.jp'], ['Sachiko Tanaka'], ['田中 幸子']],
    'english' => [['english@ssp.example.ac.jp'], ['english@ssp.example.ac.jp'], ['Only English'], []],
    'noeppn' => [[], ['noeppn@ssp.example.ac.jp'], ['No ePPN'], []],
    'nomail' => [['nomail@ssp.example.ac.jp'], [], ['No Mail'], []],
    'noname' => [['noname@ssp.example.ac.jp'], ['noname@ssp.example.ac.jp'], [], []],
    'two' => [['one@ssp.example.ac.jp', 'two@ssp.example.ac.jp'], ['two@ssp.example.ac.jp'], ['Two'], []],
    'foreign' => [['taro@example.ac.jp'], ['taro@example.ac.jp'], ['Foreign Scope'], []],
    'child' => [['child@cs.ssp.example.ac.jp'], ['child@ssp.example.ac.jp'], ['Child Scope'], []],
    'newline' => [["new\nline@ssp.example.ac.jp"], ['newline@ssp.example.ac.jp'], ['New Line'], []],
    'quoted' => [['quoted@ssp.example.ac.jp'], ['quoted@ssp.example.ac.jp'], ['O\'Neil, "Q" <b>&amp;</b>'], []],
];
$config = ['accounts' => ['exampleauth:UserPass']];
foreach ($accounts as $name => $a) {
    $attributes = [
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.6' => $a[0],
        'urn:oid:0.9.2342.19200300.100.1.3' => $a[1],
        'urn:oid:2.16.840.1.113730.3.1.241' => $a[2],
        'urn:oid:1.3.6.1.4.1.32264.1.1.3' => $a[3],
        'urn:oid:2.5.4.10' => ['Something that nobody asked for'],
    ];
    $config['accounts'][$name . ':geheim'] = array_filter($attributes);
}
END
}

ssp_configure() { # DIR PORT
	local dir=$1 port=$2
	mkdir -p "$dir"/{config,metadata,cert,log,data,tmp,sessions}
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/cert/idp.pem" -out "$dir/cert/idp.crt" -days 3650 -subj "/CN=SimpleSAMLphp" 2>/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/cert/https.key" -out "$dir/cert/https.pem" \
		-days 30 -subj "/CN=127.0.0.1" -addext "subjectAltName=IP:127.0.0.1" 2>/dev/null
	ssp_accounts >"$dir/config/authsources.php"
	cat >"$dir/config/config.php" <<-END
		<?php
		\$config = [
		    'baseurlpath' => '$SSP_URL/',
		    'certdir' => '$dir/cert/', 'loggingdir' => '$dir/log/', 'datadir' => '$dir/data/', 'tempdir' => '$dir/tmp',
		    'metadatadir' => '$dir/metadata', 'metadata.sources' => [['type' => 'flatfile']],
		    'technicalcontact_name' => 'Test', 'technicalcontact_email' => 'test@ssp.example.ac.jp', 'timezone' => 'Asia/Tokyo',
		    'secretsalt' => '$(openssl rand -hex 16)', 'auth.adminpassword' => '$(openssl rand -hex 16)', 'admin.protectmetadata' => false,
		    'logging.level' => SimpleSAML\\Logger::INFO, 'logging.handler' => 'file', 'logging.logfile' => 'ssp.log',
		    'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
		    'session.cookie.name' => 'SspSession', 'session.cookie.secure' => true, 'session.cookie.samesite' => 'None', 'session.phpsession.cookiename' => 'SspPhp',
		    'session.phpsession.savepath' => '$dir/sessions', 'session.authtoken.cookiename' => 'SspToken', 'store.type' => 'phpsession',
		    'language.available' => ['en', 'ja'], 'language.default' => 'en',
		];
	END
	cat >"$dir/metadata/saml20-idp-hosted.php" <<-END
		<?php
		\$metadata['$SSP_ENTITY'] = [
		    'host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'accounts',
		    'scope' => ['ssp.example.ac.jp'], 'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
		    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
		    'UIInfo' => ['DisplayName' => ['ja' => '別の大学', 'en' => 'Another University']],
		];
	END
	printf '<?php\n' >"$dir/metadata/saml20-sp-remote.php"
	cat >"$dir/fpm.conf" <<-END
		[global]
		error_log = $dir/log/fpm.log
		daemonize = no
		[ssp]
		listen = $dir/fpm.sock
		pm = static
		pm.max_children = 3
		env[SIMPLESAMLPHP_CONFIG_DIR] = $dir/config
		php_admin_value[opcache.enable] = 0
		php_admin_value[session.save_path] = $dir/sessions
		php_admin_value[error_log] = $dir/log/php.log
	END
	[ "$(id -u)" != 0 ] || printf 'user = root\ngroup = root\n' >>"$dir/fpm.conf"
	cat >"$dir/nginx.conf" <<-END
		$([ "$(id -u)" != 0 ] || echo 'user root;')
		worker_processes 1;
		daemon off;
		pid $dir/nginx.pid;
		error_log $dir/log/nginx.log;
		events { worker_connections 128; }
		http {
			client_body_temp_path $dir/tmp/body; proxy_temp_path $dir/tmp/proxy; fastcgi_temp_path $dir/tmp/fastcgi;
			uwsgi_temp_path $dir/tmp/uwsgi; scgi_temp_path $dir/tmp/scgi;
			access_log off;
			server {
				listen 127.0.0.1:$port ssl;
				ssl_certificate $dir/cert/https.pem;
				ssl_certificate_key $dir/cert/https.key;
				location ~ ^/simplesaml(?<file>/[^.]+\.php)(?<rest>/.*)?\$ {
					include /etc/nginx/fastcgi_params;
					fastcgi_param SCRIPT_FILENAME /usr/share/simplesamlphp/www\$file;
					fastcgi_param SCRIPT_NAME /simplesaml\$file;
					fastcgi_param PATH_INFO \$rest;
					fastcgi_param HTTPS on;
					fastcgi_pass unix:$dir/fpm.sock;
				}
			}
		}
	END
}

ssp_start() { # DIR PORT
	local dir=$1 port=$2 fpm i
	SSP_DIR=$dir
	SSP_URL=https://127.0.0.1:$port/simplesaml
	SSP_ENTITY=https://127.0.0.1:$port/idp
	SSP_METADATA=$dir/idp.xml
	SSP_CA=$dir/cert/https.pem
	ssp_configure "$dir" "$port"
	fpm=$(ls /usr/sbin/php-fpm[0-9]* 2>/dev/null | tail -n 1)
	[ -x "$fpm" ] || { echo "php-fpm is not installed" >&2; return 1; }
	"$fpm" -R -F -y "$dir/fpm.conf" >>"$dir/log/fpm.out" 2>&1 &
	ssp_pids+=($!)
	for ((i = 0; i < 100; i++)); do
		[ -S "$dir/fpm.sock" ] && break
		sleep 0.1
	done
	nginx -p "$dir" -e "$dir/log/nginx.log" -c "$dir/nginx.conf" >>"$dir/log/nginx.out" 2>&1 &
	ssp_pids+=($!)
	for ((i = 0; i < 100; i++)); do
		curl -sf --cacert "$SSP_CA" -o "$SSP_METADATA" --max-time 10 "$SSP_URL/saml2/idp/metadata.php" &&
			grep -q EntityDescriptor "$SSP_METADATA" && return
		sleep 0.1
	done
	echo "SimpleSAMLphp did not start:" >&2
	tail -n 20 "$dir"/log/* >&2
	return 1
}

# Read by SimpleSAMLphp's own parser: a second opinion on our metadata.
ssp_trust() { # FILE [PHP]
	SIMPLESAMLPHP_CONFIG_DIR=$SSP_DIR/config php -d error_reporting=E_ALL\&~E_DEPRECATED -r '
		require "/usr/share/simplesamlphp/lib/_autoload.php";
		$parsed = SimpleSAML\Metadata\SAMLParser::parseString(file_get_contents($argv[1]))->getMetadata20SP();
		if (!$parsed) { fwrite(STDERR, "no service provider in $argv[1]\n"); exit(1); }
		unset($parsed["entityDescriptor"], $parsed["expire"]);
		$parsed["validate.authnrequest"] = true;
		// All that the account has is sent; what we do with it is what is tested.
		unset($parsed["attributes"], $parsed["attributes.required"]);
		$more = eval("return [" . ($argv[2] ?? "") . "];");
		echo "<?php\n\$metadata[" . var_export($parsed["entityid"], true) . "] = " . var_export($more + $parsed, true) . ";\n";
	' "$1" "${2:-}" >"$SSP_DIR/metadata/saml20-sp-remote.php.new" &&
		mv "$SSP_DIR/metadata/saml20-sp-remote.php.new" "$SSP_DIR/metadata/saml20-sp-remote.php"
}

ssp_stop() {
	local pid
	for pid in "${ssp_pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${ssp_pids[@]}"; do
		wait "$pid" 2>/dev/null
	done
	ssp_pids=()
}
