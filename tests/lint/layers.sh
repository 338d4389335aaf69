#!/bin/sh
# Includes point down: base < store < web, saml < issue < plugin < pages < main; plugins see core/plugin.h and system headers alone.
set -u
cd "$INKAN_SOURCE" || exit 1
bad=0
rank() {
	case "$1" in
	base/*) echo 1 ;; store/*) echo 2 ;; web/*|saml/*) echo 3 ;; issue/*) echo 4 ;;
	plugin.*|type.*) echo 5 ;; pages/*) echo 6 ;; settings.*|main.*) echo 7 ;; *) echo 0 ;;
	esac
}
for f in $(find core -name '*.[ch]' -o -name '*.cc'); do
	own=${f#core/}
	for i in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f"); do
		[ "$(rank "$i")" -gt 0 ] || { echo "$f includes $i, which has no layer"; bad=1; continue; }
		[ "$(rank "$i")" -le "$(rank "$own")" ] || { echo "$f includes $i of a layer above"; bad=1; }
		# neighbours of one layer do not know each other
		if [ "$(rank "$own")" = 3 ] && [ "$(rank "$i")" = 3 ] && [ "${own%%/*}" != "${i%%/*}" ]; then
			echo "$f includes $i of a neighbour"; bad=1
		fi
	done
done
for f in $(find plugins -name '*.[ch]'); do
	dir=$(dirname "$f")
	for i in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f"); do
		case "$i" in
		plugin.h) ;;
		*) [ -e "$dir/$i" ] || { echo "$f includes $i, which is neither plugin.h nor its own"; bad=1; } ;;
		esac
	done
done
exit $bad
