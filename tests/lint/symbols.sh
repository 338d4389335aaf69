#!/bin/sh
# A plugin exports one symbol, its descriptor.
set -u
bad=0 seen=0
for so in "$INKAN_BUILD"/plugins/*.so; do
	seen=$((seen + 1))
	names=$(nm -D --defined-only "$so" | awk '{print $NF}' | grep -vE '^(__asan|__ubsan|__tsan|__odr_asan|__start___|__stop___|_init|_fini|__sancov)' | sort | tr '\n' ' ')
	[ "$names" = "inkan_plugin " ] || { echo "$so exports: $names"; bad=1; }
done
[ "$seen" -gt 0 ] || { echo "no plugin was built"; bad=1; }
exit $bad
