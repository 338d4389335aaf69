# For ./demo and ./check: installs what is missing of a list of packages, and nothing else.

packages_missing() { # FILE
	local wanted have
	wanted=$(sed -e 's/#.*//' "$1" | tr -s ' \t' '\n\n' | grep . | sort -u)
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" {print $1}' | sort -u)
	comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$have")
}

# packages_install FILE NAME: 0 when all are there. Services that this installation starts are stopped again; those that
# were there before are left alone.
packages_install() {
	local missing as=() log service running=()
	command -v dpkg-query >/dev/null || { echo "$2: this is not Debian; install what $1 lists by hand." >&2; return 1; }
	missing=$(packages_missing "$1")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || { echo "$2: these packages are missing, and there is no sudo to install them:" $missing >&2; return 1; }
		as=(sudo)
	fi
	echo "$2: installing" $missing >&2
	for service in nginx mariadb; do
		[ -e "/etc/init.d/$service" ] && running+=("$service")
	done
	log=$({ "${as[@]}" apt-get update -q && "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends $missing; } 2>&1 </dev/null)
	missing=$(packages_missing "$1")
	for service in nginx mariadb php8.2-fpm; do
		[[ " ${running[*]:-} " == *" $service "* ]] || service_stop "$service" "${as[@]}"
	done
	[ -z "$missing" ] && return 0
	echo "$2: these packages cannot be installed:" $missing "($({ grep -E '^E: ' <<<"$log" || tail -n 1 <<<"$log"; } | head -n 1))" >&2
	return 1
}

# A service that came with a package just installed; a machine without systemd has the scripts of sysvinit.
service_stop() { # NAME [sudo]
	local name=$1
	shift
	[ -e "/etc/init.d/$name" ] || return 0
	if [ -d /run/systemd/system ]; then
		"$@" systemctl disable --now "$name" >/dev/null 2>&1
	else
		"$@" "/etc/init.d/$name" stop >/dev/null 2>&1
	fi
	return 0
}
