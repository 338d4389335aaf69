#!/bin/sh
# Every msgid of views and C files has a Japanese translation, with the same {{MARKERS}}, and translations that nobody asks for are gone.
# What has one name is called by one word, the manual's where it shows one. The checks are first shown to find damage: a catalogue without
# one text, one with a lost marker, one with a text too many, one with another word.
set -eu
source=${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$source"

# markers PO: prints each msgid whose translation has other markers; fails when there is one.
markers() {
	msgcat --no-wrap "$1" | perl -ne '
		$id = $1 if /^msgid "(.*)"$/;
		if (/^msgstr(?:\[\d\])? "(.*)"$/ and $id ne "") {
			my ($want, $have) = map { join " ", sort /\{\{[^}]*\}\}/g } $id, $1;
			if ($want ne $have) { print "markers differ: $id\n"; $bad = 1 }
		}
		END { exit($bad // 0) }'
}

# The msgids of a catalogue, sorted, without the header's.
msgids() {
	msgcat --no-wrap "$1" | sed -n 's/^msgid "\(..*\)"$/\1/p' | sort -u
}

# one_word PO: prints each translation with a word that is not ours; fails when there is one. The manual's label 「ユーザ」 stands alone
# beside the name; systems call people ユーザー.
one_word() {
	msgcat --no-wrap "$1" | perl -ne '
		next unless /^msgstr(?:\[\d\])? "(.+)"$/ and $1 ne "ユーザ";
		if ($1 =~ /ユーザ(?!ー)|ダウンロード期限|発行サービス|インストールガイド|あらためて|管理者(?:に|まで)(?:ご連絡|お問い合わせ)/) { print "another word: $1\n"; $bad = 1 }
		END { exit($bad // 0) }'
}

# catalogue POT PO: everything about one catalogue.
catalogue() {
	msgids "$1" > "$folder/wanted"
	msgids "$2" > "$folder/there"
	msgfmt --check --output-file=/dev/null "$2" &&
		msgcmp --no-fuzzy-matching "$2" "$1" &&
		[ -z "$(msgattrib --only-fuzzy --no-obsolete "$2")" ] &&
		cmp "$folder/wanted" "$folder/there" >&2 &&
		markers "$2" &&
		one_word "$2"
}

must_fail() {
	if catalogue "$folder/core.pot" "$1" >/dev/null 2>&1; then
		echo "the check does not notice: $2"
		exit 1
	fi
}

tests/support/extract.sh core > "$folder/core.pot"
po=locales/ja/core.po
catalogue "$folder/core.pot" "$po" || { echo "$po is wrong"; diff "$folder/wanted" "$folder/there" || :; exit 1; }
perl -00 -ne 'print unless /^msgid "GakuNin Login"$/m' "$po" > "$folder/missing.po"
must_fail "$folder/missing.po" "a text without translation"
perl -pe 's/\{\{MONTHS\}\}ヶ月/ヶ月/' "$po" > "$folder/marker.po"
must_fail "$folder/marker.po" "a lost marker"
{ cat "$po"; printf '\nmsgid "Nobody says this"\nmsgstr "誰も言わない"\n'; } > "$folder/extra.po"
must_fail "$folder/extra.po" "a translation that nobody asks for"
perl -pe 's/取得期限/ダウンロード期限/' "$po" > "$folder/word.po"
must_fail "$folder/word.po" "another word for the same"

for plugin in plugins/*/; do
	domain=$(basename "$plugin")
	tests/support/extract.sh "$domain" > "$folder/$domain.pot"
	grep -q '^msgid "..*"' "$folder/$domain.pot" || continue
	[ -e "locales/ja/$domain.po" ] || { echo "locales/ja/$domain.po is missing"; exit 1; }
	catalogue "$folder/$domain.pot" "locales/ja/$domain.po" ||
		{ echo "locales/ja/$domain.po is wrong"; diff "$folder/wanted" "$folder/there" || :; exit 1; }
done
echo "translations are complete"
