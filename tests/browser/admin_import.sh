#!/usr/bin/env bash
# An administrator imports certificates from a file in Chromium; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
STACK_BASIC=$(stack_basic)
export STACK_URL STACK_IDP STACK_DIR STACK_TOP STACK_BASIC
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 admin_import.test.mjs
stack_stop
