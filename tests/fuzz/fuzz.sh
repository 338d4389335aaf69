#!/usr/bin/env bash
# Builds each fuzzer beside it with clang's libFuzzer and lets it run for INKAN_FUZZ_SECONDS (5): a smoke test; let it run for hours by hand.
set -eu
cd "$INKAN_SOURCE"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=$(pkg-config --cflags libxml-2.0 openssl)
libs=$(pkg-config --libs libxml-2.0 openssl)
for fuzzer in tests/fuzz/*.c; do
	name=$(basename "$fuzzer" .c)
	case $name in
	saml_*) sources="core/saml/message.c core/saml/message_shape.c" ;;
	*) sources="core/web/pairs.c" ;;
	esac
	# shellcheck disable=SC2086
	clang -std=gnu11 -D_GNU_SOURCE -Icore -include core/base/banned.h -g -O1 -fsanitize=fuzzer,address,undefined $flags -o "$work/$name" \
		"$fuzzer" $sources core/base/arena.c core/base/status.c core/base/text.c core/base/text_encode.c core/base/log.c core/base/clock.c $libs
	mkdir -p "$work/corpus"
	# the corpus shows the way in: what these formats look like
	printf '0csrf=a&form_key=%%e3%%81%%82&memo=x+y' >"$work/corpus/form"
	printf '1__Host-session=abc; lang=ja; x="q"' >"$work/corpus/cookie"
	printf '0<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" Version="2.0"/>' >"$work/corpus/saml"
	if ! (cd "$work" && ASAN_OPTIONS=detect_leaks=1 "./$name" -max_total_time="${INKAN_FUZZ_SECONDS:-5}" -max_len=8192 -close_fd_mask=1 corpus >"$name.log" 2>&1); then
		tail -n 40 "$work/$name.log"
		exit 1
	fi
	runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$work/$name.log")
	echo "$name: $runs runs"
	[ "${runs:-0}" -gt 1000 ] || { tail -n 20 "$work/$name.log"; exit 1; }
done
