# SPDX-License-Identifier: Apache-2.0
"""What the client declares of libsotto is what its headers say."""

import pathlib
import re
import subprocess

import cffi

from sotto._library import DECLARATIONS

TREE = pathlib.Path(__file__).resolve().parents[2]


def test_structs_are_those_of_the_headers(tmp_path):
    """A field that only one side knows moves all after it, and whoever reads them crashes."""
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    names = re.findall(r"^struct (sotto_\w+) \{", DECLARATIONS, re.MULTILINE)
    assert len(names) > 8
    lines = []
    expected = []
    for name in names:
        of_struct = ffi.typeof(f"struct {name}")
        expected.append(f"{name} {ffi.sizeof(of_struct)}")
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for field, _ in of_struct.fields:
            expected.append(f"{name}.{field} {ffi.offsetof(of_struct, field)}")
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof(struct {name}, {field}));')
    headers = sorted(TREE.glob("*/include/sotto/*.h"))
    source = "".join(f"#include <sotto/{header.name}>\n" for header in headers)
    source += "#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{\n"
    (tmp_path / "structs.c").write_text(source + "\n".join(lines) + "\nreturn 0;\n}\n")
    folders = [f"-I{folder}" for folder in sorted(TREE.glob("*/include"))]
    program = tmp_path / "structs"
    subprocess.run(["cc", *folders, "-o", program, tmp_path / "structs.c"], check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert printed.split("\n")[:-1] == expected
