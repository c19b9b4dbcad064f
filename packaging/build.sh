#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# packaging/build.sh FOLDER: makes the Debian packages of the commit that is checked out, source and
# binary, into FOLDER, which is emptied first. lintian may have nothing to say.
set -euo pipefail
folder=$(realpath -m "${1:?usage: packaging/build.sh FOLDER}")
cd "$(dirname "$0")/.."
rm -rf "$folder"
mkdir -p "$folder/source"
git archive HEAD | tar -x -C "$folder/source"
mv "$folder/source/packaging/debian" "$folder/source/debian"
cd "$folder/source"
# Debian's programs, its Python among them, whatever else is installed here.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS:-terse} dpkg-buildpackage -us -uc >../build.log 2>&1 || {
    tail -n 60 ../build.log >&2
    echo "packaging/build.sh: the whole output is in $folder/build.log" >&2
    exit 1
}
cd ..
rm -rf source
lintian --allow-root --fail-on error,warning ./*.changes
