#!/usr/bin/env bash
# The demo's mailbox: takes every mail, survives bad SMTP, and shows what it got without running any of it.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
portal "$INKAN_SOURCE/tests/e2e/mailbox.py"
stack_stop
