#!/usr/bin/env bash
# The plugin of README, word for word: built outside the tree against an installation as README says, it greets a user.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
work=$STACK_TOP/work
mkdir -p "$work/plugins"
cmake --install "$INKAN_BUILD" --prefix "$work/usr" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
block() { awk -v start="$1" '$0 == start {on = 1; next} /^```/ {on = 0} on' "$INKAN_SOURCE/README.md"; }
block '```c' >"$work/hello.c"
command=$(grep -o '`cc -std=[^`]*`' "$INKAN_SOURCE/README.md" | tr -d '`')
view=$(grep -o '`<p>\[\[Hello.*</p>`' "$INKAN_SOURCE/README.md" | tr -d '`')
[ -s "$work/hello.c" ] && [ -n "$command" ] && [ -n "$view" ] || { echo "README has no such plugin any more"; exit 1; }
(cd "$work" && eval "${command//\/usr\/include/$work/usr/include} $(pkg-config --cflags libuv)")

cp "$INKAN_BUILD"/plugins/*.so "$work/hello.so" "$work/plugins/"
cp -r "$INKAN_SOURCE/views" "$work/views"
mkdir "$work/views/hello"
echo "$view" >"$work/views/hello/hello.html"
stack_conf inkan <<-END
	plugin_dir = "$work/plugins"
	view_dir = "$work/views"
	plugins = {"client", "upstream_local", "demo_idp", "demo_mailbox", "hello"}
END
stack_start
portal - "$(stack_password taro)" <<-END
	import os, sys
	from portal import Portal
	p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
	page = p.send("GET", "/hello/")
	assert page.status == 303, page.status  # a visitor is sent to log in
	p.login("taro", sys.argv[1])
	page = p.get("/hello/")
	assert page.status == 200 and "<p>Hello, 山田 太郎</p>" in page.text, page.text
END
stack_stop
