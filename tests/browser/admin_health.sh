#!/usr/bin/env bash
# An administrator looks at how everything is in Chromium, in both languages; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
STACK_BASIC=$(stack_basic)
export STACK_BASIC
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 admin_health.test.mjs
stack_stop
