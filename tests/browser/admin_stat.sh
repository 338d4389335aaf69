#!/usr/bin/env bash
# Audit trail, statistics and revocation for leavers in Chromium; screenshots are left in build/screenshots.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
export STACK_URL STACK_IDP STACK_DIR STACK_TOP
STACK_BASIC=$(stack_basic)
export STACK_BASIC
portal - "$(stack_password taro)" "$(stack_password hanako)" <<'END'
import os, sys
from portal import Portal

for name, password in zip(("taro", "hanako"), sys.argv[1:]):
    p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
    p.login(name, password)
    for _ in range(2):
        p.certificate(f"{name}@example.ac.jp")
    p.apply()
END
cd "$INKAN_SOURCE/tests/browser"
node --test --test-concurrency=1 admin_stat.test.mjs
stack_stop
