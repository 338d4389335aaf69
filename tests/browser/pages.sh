#!/usr/bin/env bash
# Looks at every page that no walk comes to, in both languages; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 pages.test.mjs
stack_stop
