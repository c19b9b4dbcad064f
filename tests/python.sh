#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/python.sh TEST.py...: runs tests of python/, or says that it can't (77).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -f "$root/build/venv/ready" ]; then
    echo "*** build/venv IS NOT THERE: python/ IS NOT TESTED ($*) ***"
    echo "./dev test sets it up; build/venv.log says why it could not."
    exit 77
fi
cd "$root/python/tests"
exec "$root/build/venv/bin/python" -B -m pytest -c ../pyproject.toml "$@"
