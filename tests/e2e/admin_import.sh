#!/usr/bin/env bash
# The bulk import with real servers: two processes, each on a node of its own of one cluster, of which one is killed in the middle; the limit
# of the upload; no PIN in any log.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/galera.sh"
galera_suspect=15
galera_start
printf 'upload_max = 8388608\n' | stack_conf admin_import
stack_start
STACK_BASIC=$(stack_basic)
STACK_ADMIN=$(stack_password admin)
STACK_TARO=$(stack_password taro)
export STACK_BASIC STACK_ADMIN STACK_TARO
portal "$INKAN_SOURCE/tests/e2e/admin_import.py"
if grep -rl TOPSECRETPIN "$STACK_DIR"/log "$STACK_DIR"/run "$STACK_DIR"/tmp 2>/dev/null; then
	echo "a PIN lies in a file"
	exit 1
fi
grep -q 'POST /admin_import/upload, 303' "$STACK_DIR"/log/inkan.log # the log was the right one to look at
