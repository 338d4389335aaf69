# For test scripts: the frame of an nginx.conf for an nginx of the test's own. To be sourced by bash.
nginx_frame() { # DIR ERROR-LOG; what belongs into http {} is read from standard input
	cat <<-END
		user $(id -un);
		daemon off;
		worker_processes 1;
		pid $1/pid;
		error_log $2;
		events {}
		http {
			client_body_temp_path $1/body;
			proxy_temp_path $1/proxy;
			fastcgi_temp_path $1/fastcgi;
			uwsgi_temp_path $1/uwsgi;
			scgi_temp_path $1/scgi;
			access_log off;
	END
	cat
	echo '}'
}
