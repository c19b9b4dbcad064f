#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/python.sh TEST EXTRA ARGUMENTS...: runs Python in build/venv from python/tests, or says that
# this can't be, where ./dev could not install python/pyproject.toml's extra.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
name=$1
extra=$2
shift 2
if [ ! -f "$root/build/venv/ready.$extra" ]; then
    reason="build/venv has no python[$extra]: ./dev test all sets it up"
    if [ -f "$root/build/venv/missing.$extra" ]; then
        reason=$(cat "$root/build/venv/missing.$extra")
    fi
    exec "$root/tests/support/skip.sh" "$name" "$reason"
fi
cd "$root/python/tests"
# What is imported is compiled there, once, whatever the caller's environment says; ./dev installs
# nothing compiled.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$root/build/pycache"
exec "$root/build/venv/bin/python" "$@"
