#!/bin/sh
# House rules that a program can check: SQL in store files only, one opening sentence per file, GLib and lasso where they belong.
set -u
cd "$INKAN_SOURCE" || exit 1
bad=0
for f in $(find core plugins -name '*.c' -o -name '*.cc'); do
	case "$f" in core/store/*|plugins/*/*_store.c) ;; *)
		if grep -nE '"(SELECT|INSERT|UPDATE|DELETE|REPLACE) ' "$f"; then echo "$f: SQL outside a store file"; bad=1; fi ;;
	esac
	head -n 1 "$f" | grep -q '^/\* .*' || { echo "$f does not open with its responsibility"; bad=1; }
	case "$f" in core/saml/*|core/issue/mail.c|core/web/upload.c|plugins/demo_idp/*|plugins/upstream_nii/*|plugins/demo_mailbox/*) ;; *)
		if grep -nE '#include <(glib|lasso|gmime|xmlsec)' "$f"; then echo "$f: GLib, lasso or xmlsec outside its room"; bad=1; fi ;;
	esac
	if grep -nE '\b(NOW\(\)|CURRENT_TIMESTAMP|time\(NULL\))' "$f"; then echo "$f: a clock besides base/clock"; bad=1; fi
done
# What administrators did is told in words, and can be filtered for.
for action in $(grep -rhoE '"admin\.[a-z_.]+"' core plugins --include='*.c' | sort -u); do
	grep -qF "{$action, " plugins/admin_audit/words.c || { echo "$action is no action of plugins/admin_audit/words.c"; bad=1; }
done
# What the Japanese README tells to type, the English one or the program knows too.
known=$(cat README.md core/main.c | tr -s '\n ' '  ')
grep -oE '`[^`]+`' README.ja.md | tr -d '`' | sed 's/^inkan //' | sort -u | while read -r words; do
	printf %s "$known" | grep -qF -- "$words" || { echo "README.ja.md: \"$words\" stands in neither README.md nor core/main.c"; exit 1; }
done || bad=1
exit $bad
