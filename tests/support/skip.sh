#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# skip.sh TEST REASON: the one way to skip a test because something can't be had here. In continuous
# integration (CI=true) that is a failure; elsewhere ctest is told (77), and ./dev lists the reasons
# after the tests, from the file SOTTO_SKIPPED.
set -eu
echo "SKIPPED $1: $2"
if [ "${CI:-}" = true ]; then
    echo "CI=true: what can't be had is a failure." >&2
    exit 1
fi
if [ -n "${SOTTO_SKIPPED:-}" ]; then
    echo "$1: $2" >>"$SOTTO_SKIPPED"
fi
exit 77
