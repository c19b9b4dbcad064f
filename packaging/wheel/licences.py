#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The licences of what a wheel contains besides Sotto, as one text: licences.py LIBRARY.

Debian's packages of the libraries that LIBRARY loads say what they are under; texts that they name
in /usr/share/common-licenses follow, each once.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from sbom import packages

# What a manylinux wheel takes from the system (PEP 600), and so does not contain.
OF_THE_SYSTEM = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g"}
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")

HEAD = """\
This wheel contains Sotto (Apache-2.0, see LICENSE) and, beside it in the folder sotto_engine.libs,
these libraries as Debian 12 builds them, each a shared library of its own. Those under the LGPL
(among them GMP, MPFR and libcsv) may be changed and replaced: build one of the same soname, and put
it in the place of the file there, under that file's name. Their sources are Debian's, by the names
and versions below: `apt-get source NAME=VERSION`.
"""


def main() -> None:
    """Prints the text."""
    named: set[str] = set()
    print(HEAD)
    for part in packages(sys.argv[1:]):
        if part["name"] in OF_THE_SYSTEM:
            continue
        text = Path(f"/usr/share/doc/{part['name']}/copyright").read_text()
        named.update(COMMON.findall(text))
        files = ", ".join(file["name"] for file in part["components"])
        print(f"{'=' * 80}\n{part['name']} {part['version']}: {files}")
        print(f"source: {part['properties'][0]['value']}\n{'=' * 80}\n\n{text}")
    for name in sorted(named):
        text = Path("/usr/share/common-licenses", name).read_text()
        print(f"{'=' * 80}\n{name}\n{'=' * 80}\n\n{text}")


main()
