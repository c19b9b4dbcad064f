#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# wheel.sh FOLDER: the wheel of FOLDER (packaging/wheel.sh) in an empty environment of Debian's
# Python: it computes with the libraries that it brings, and the notebooks run to their end.
set -euo pipefail
folder=$(realpath "${1:?usage: wheel.sh FOLDER}")
source_dir=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset SOTTO_LIBRARY PYTHONPATH

fail() {
    echo "wheel.sh: this does not hold: $*" >&2
    exit 1
}

wheels=("$folder"/sotto_engine-*.whl)
[ ${#wheels[@]} -eq 1 ] || fail "one wheel for all Pythons"
[[ ${wheels[0]} == *-py3-none-manylinux_2_34_*.whl ]] || fail "glibc 2.34 is enough, Debian 12 has 2.36: ${wheels[0]}"

/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --disable-pip-version-check --quiet "${wheels[0]}[notebooks]" nbclient pytest

cat >"$work/program.py" <<'PROGRAM'
"""Computes, and looks at which libraries the process has loaded, and what the wheel says of them."""
import pathlib
import re
import sys

import pandas

import sotto

parties = [pandas.DataFrame({"wage": [float(seed + 7 * i) for i in range(20)]}) for seed in (1, 2, 3)]
expected = pandas.concat(parties)["wage"].mean()
assert sotto.simulate(parties, "mean(wage)") == expected

site = pathlib.Path(sotto.__file__).parents[1]
brought = list((site / "sotto_engine.libs").iterdir())
names = {re.match(r"lib[a-z]+", file.name)[0] for file in brought}
loaded = set(re.findall(r"(/\S+)$", pathlib.Path("/proc/self/maps").read_text(), re.MULTILINE))
assert str(site / "sotto" / "lib" / "libsotto.so.0") in loaded
assert loaded >= {str(file) for file in brought}, brought
print(f"{len(brought)} libraries brought and loaded: {', '.join(sorted(names))}")

licences = next(site.glob("sotto_engine-*.dist-info/licenses/LICENSES-BUNDLED")).read_text()
for name in names:
    assert re.search(rf"^\S+ \S+: .*\b{name}\.so", licences, re.MULTILINE), name
assert {"libcsv", "libgmp", "libmpfr"} <= names  # under the LGPL: files of their own
assert "GNU LESSER GENERAL PUBLIC LICENSE" in licences
PROGRAM
cd "$work"
venv/bin/python program.py

dpkg-deb -x "$folder"/sotto_[0-9]*.deb "$work/deb"
cd "$source_dir/python/tests"
SOTTO_BINARY=$work/deb/usr/bin/sotto PYTHONDONTWRITEBYTECODE=1 \
    "$work/venv/bin/python" -m pytest -c ../pyproject.toml test_notebooks.py
