#!/bin/sh
# A plugin outside the tree, built against the installed headers alone as README tells, is loaded by the program.
set -eu
export ASAN_OPTIONS=detect_leaks=0 # of glibc, when LOCPATH is set
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$INKAN_BUILD" --prefix "$work/usr" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if find "$work/usr" -name 'demo_*' | grep .; then echo "an installation holds demo plugins"; exit 1; fi
cp "$INKAN_SOURCE/tests/support/plugins/good.c" "$work/good.c"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -fPIC -shared -fvisibility=hidden -I"$work/usr/include/inkan" \
	$(pkg-config --cflags libuv) -o "$work/good.so" "$work/good.c" -Wl,-z,now
nm -D --defined-only "$work/good.so" | grep -q ' inkan_plugin$'
# loaded by the very program that is installed
mkdir "$work/conf" "$work/keys"
(umask 077; openssl rand -hex 32 >"$work/keys/seal"; openssl rand -hex 32 >"$work/keys/audit")
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days 2 -keyout "$work/keys/sp.key" -out "$work/keys/sp.pem" 2>/dev/null
mkdir -p "$work/locale"; localedef -i ja_JP -f UTF-8 "$work/locale/ja_JP.UTF-8" 2>/dev/null || true
cat >"$work/conf/inkan.conf" <<EOF
base_url = "https://localhost:1"
demo = yes
plugins = {"good"}
plugin_dir = "$work"
view_dir = "$INKAN_SOURCE/views"
locale_dir = "$INKAN_BUILD/locales"
migration_dir = "$INKAN_SOURCE/migrations"
seal_keys = {"$work/keys/seal"}
audit_key = "$work/keys/audit"
saml_key = "$work/keys/sp.key"
saml_certificate = "$work/keys/sp.pem"
mail_from = "inkan@example.ac.jp"
database_socket = "$work/none.sock"
EOF
echo 'number = 8' >"$work/conf/good.conf"
# there is no database here: the last step of `check` fails, after the plugin was loaded, configured and printed
LOCPATH="$work/locale" "$work/usr/sbin/inkan" -c "$work/conf" check >"$work/out" 2>"$work/err" && { echo "check passed without a database"; exit 1; }
grep -q 'number *= *8' "$work/out" || { echo "the plugin's setting is not listed"; cat "$work/out" "$work/err"; exit 1; }
