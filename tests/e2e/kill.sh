#!/usr/bin/env bash
# Two servers on one database are killed at random while users apply: whatever a user was told of exists exactly once, and ends with its
# one PIN or in a visible error.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
export STACK_PROCESSES=2
stack_conf client <<<'live_max = 0'
printf 'test_clock = "%s"\napplications_per_day = 0\n' "$STACK_TOP/shift" | stack_conf inkan
echo 0 >"$STACK_TOP/shift"
stack_start
portal "$INKAN_SOURCE/tests/e2e/kill.py" "$(stack_password taro)" "$(stack_password hanako)" "$(stack_password jiro)"
LOCPATH=$STACK_DIR/locale "$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" audit verify
stack_stop
