#!/usr/bin/env bash
# An administrator sets maintenance mode in Chromium, in both languages, on a site of two processes; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
export STACK_PROCESSES=2
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
STACK_BASIC=$(stack_basic)
export STACK_BASIC
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 admin_maintenance.test.mjs
stack_stop
