#!/bin/sh
# Writes the msgids of a domain (extract.sh DOMAIN > DOMAIN.pot): those of its views, [[...]], and of its C files, _() and N_().
# Run it anywhere; the sources are found beside this script.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DOMAIN" >&2; exit 2; }
domain=$1
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if [ "$domain" = core ]; then
	find core \( -name '*.c' -o -name '*.h' \) -type f
else
	find "plugins/$domain" -name '*.[ch]' -type f
fi | sort > "$folder/c"
find "views/$domain" -maxdepth 1 \( -name '*.html' -o -name '*.txt' \) -type f 2>/dev/null | sort > "$folder/list" || true

# A view becomes C with one _("...") for each text: runs of blanks and line ends are one blank, as core/web/view.cc reads them.
while read -r view; do
	mkdir -p "$folder/$(dirname "$view")"
	perl -0777 -ne '
		while (/\[\[(.*?)\]\]/sg) {
			my ($text, $line) = ($1, 1 + (substr($_, 0, $-[0]) =~ tr/\n//));
			$text =~ s/[ \t\r\n]+/ /g;
			$text =~ s/^ | $//g;
			$text =~ s/(["\\])/\\$1/g;
			print "#line $line \"$ARGV\"\n_(\"$text\");\n";
		}' "$view" > "$folder/$view.c"
	echo "$folder/$view.c"
done < "$folder/list" > "$folder/made"

cat "$folder/c" "$folder/made" > "$folder/all"
# X:4 is the user's sentence of STATUS_MAP. No flag: a percent sign in a view is no format.
xgettext --language=C --from-code=UTF-8 --files-from="$folder/all" --output=- --sort-by-file --no-wrap \
	--keyword --keyword=_ --keyword=N_ --keyword=X:4 --keyword=i18n_text:2 --keyword=i18n_plural:2,3 \
	--add-comments=TRANSLATORS --package-name=inkan --copyright-holder= --msgid-bugs-address=- |
	sed -e 's/CHARSET/UTF-8/' -e "s|$folder/||g" -e '/^"POT-Creation-Date/d' -e '/^"Report-Msgid/d'
