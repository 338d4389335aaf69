#!/usr/bin/env bash
# UPKI-PASS in Chromium, with the demo's card server; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 pass.test.mjs
stack_stop
