#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes bundles.txt: bundles as learning/README.md has them, made without libsotto.

Each line: the SHA-256 and the bytes of a bundle, both in hexadecimal digits. The test makes the
same bundles with the library."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from bundles import make_bundle  # noqa: E402

MANIFEST = {
    "datasets": ["mnist"],
    "entry": "model:LeNet",
    "memory_mib": 2048,
    "merge": "epoch",
    "merge_every": 1,
    "parameters_max": 100000,
    "range_bits": 6,
    "round_seconds": 600,
    "rounds": 5,
    "rows_max": 1048576,
    "scale_bits": 24,
    "strategy": "fedavg",
    "validate_every": 1,
    "weighted": True,
}
SMALL = {"model.py": "class LeNet: pass\n"}
LARGE = {
    "nets/__init__.py": "",
    "model.py": "from nets.lenet import LeNet\n# 平均\n",
    "nets/lenet.py": "class LeNet:\n    pass\n",
    "README.md": "A bundle.\n",
}


def main():
    lines = []
    other = {
        **MANIFEST,
        "datasets": ["a", "b.npy"],
        "merge": "iteration",
        "stop_after": 3,
        "strategy": "drawn_fedavg",
        "weighted": False,
    }
    for manifest, files in ((MANIFEST, SMALL), (other, LARGE)):
        data, digest = make_bundle(files, **manifest)
        lines.append(f"{digest} {data.hex()}\n")
    (Path(__file__).parent / "bundles.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
