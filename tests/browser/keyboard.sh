#!/usr/bin/env bash
# Walks through the portal with the keyboard alone.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 keyboard.test.mjs
stack_stop
