#!/usr/bin/env bash
# Audit trail, statistics and revocation for leavers in Chromium; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
export STACK_CLOCK=$STACK_TOP/clock
echo 0 >"$STACK_CLOCK"
printf 'test_clock = "%s"\n' "$STACK_CLOCK" | stack_conf inkan
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 admin_stat.test.mjs
stack_stop
