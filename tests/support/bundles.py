# SPDX-License-Identifier: Apache-2.0
"""Bundles (learning/README.md, "The bytes of a bundle"), written without the code that reads them."""

import hashlib
import json
import struct

MANIFEST = {"datasets": ["numbers"], "entry": "model:Model", "memory_mib": 512, "merge": "epoch",
            "merge_every": 1, "parameters_max": 1000, "range_bits": 10, "round_seconds": 60, "rounds": 2,
            "rows_max": 1000, "scale_bits": 20, "strategy": "fedavg", "validate_every": 0, "weighted": True}


def make_bundle(files, **manifest):
    """The bytes of a bundle of {name: source}, and its digest."""
    def text(data):
        return struct.pack("<I", len(data)) + data

    stated = json.dumps({**MANIFEST, **manifest}, sort_keys=True, separators=(",", ":"))
    data = b"SOTB\1\0\0\0" + text(stated.encode()) + struct.pack("<I", len(files))
    for name in sorted(files):
        data += text(name.encode()) + text(files[name].encode())
    return data, hashlib.sha256(data).hexdigest()
