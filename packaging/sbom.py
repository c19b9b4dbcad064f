#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Debian's packages of programs and libraries are linked with, as CycloneDX 1.5 (JSON).

sbom.py NAME VERSION FILE...: asks the dynamic linker which libraries the FILEs load, all the way
down, and dpkg which package and version each of them is from. A FILE that ends in .txt is the
board's list of licences, which names what its pages contain. What a program loads only where it is
installed (intel-ipsec-mb) is no part of it. SOURCE_DATE_EPOCH is its time.
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any


def output_of(*command: str) -> str:
    """What a command prints. Raises CalledProcessError."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def linked(file: str) -> set[Path]:
    """The libraries that a file loads, by their real paths, but for the kernel's and our own."""
    found = re.findall(r"(?:=> |^\t)(/\S+) \(0x", output_of("ldd", file), flags=re.MULTILINE)
    return {Path(path).resolve() for path in found if not Path(path).name.startswith("libsotto.")}


def owner_of(path: Path) -> str:
    """The package of a file. Where /lib is a link to /usr/lib dpkg knows one of two names."""
    names = [str(path), str(path).removeprefix("/usr")]
    for name in names:
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0]
    sys.exit(f"sbom.py: no package has {path}: expected libraries that dpkg installed")


def packages(files: list[str]) -> list[dict[str, Any]]:
    """A component for each Debian package of which a library is linked, with these libraries."""
    found: dict[str, list[Path]] = {}
    for path in sorted(set().union(*map(linked, files))):
        found.setdefault(owner_of(path), []).append(path)
    parts = []
    for package, paths in found.items():
        form = "${Package}\t${Version}\t${Architecture}\t${source:Package} ${source:Version}"
        name, version, architecture, source = output_of(
            "dpkg-query", "-W", "-f", form, package
        ).split("\t")
        purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
        parts.append(
            {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "purl": purl,
                "properties": [{"name": "debian:source", "value": source}],
                "components": [
                    {
                        "type": "file",
                        "bom-ref": f"{purl}#{path.name}",
                        "name": path.name,
                        "hashes": [
                            {
                                "alg": "SHA-256",
                                "content": hashlib.sha256(path.read_bytes()).hexdigest(),
                            }
                        ],
                    }
                    for path in paths
                ],
            }
        )
    return parts


def pages(licences: Path) -> list[dict[str, Any]]:
    """What the board's pages are made of besides ours: the headings of dist/licences.txt."""
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:npm/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{name}@{version}",
        }
        for name, version in re.findall(
            r"^--- (\S+) (\S+) ---$", licences.read_text(), flags=re.MULTILINE
        )
    ]


def main() -> None:
    """Prints the document."""
    name, version, *files = sys.argv[1:]
    if not files:
        sys.exit("usage: sbom.py NAME VERSION FILE...")
    made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    licences = [Path(file) for file in files if file.endswith(".txt")]
    parts = packages([file for file in files if not file.endswith(".txt")])
    for file in licences:
        parts += pages(file)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": name, "name": name, "version": version},
        },
        "components": parts,
        "dependencies": [{"ref": name, "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    json.dump(document, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
