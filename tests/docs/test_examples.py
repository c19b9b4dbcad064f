# SPDX-License-Identifier: Apache-2.0
"""The documents' examples, run as a reader would: in a folder with the files that the document shows.

A block ```csv NAME is a file; a block ```console holds commands, each "$ sotto ..." with what it
prints on a terminal below it. A line that is too long for the page ends in a backslash and goes on,
indented, in the next one. `test_examples.py --update` writes what is printed now into the documents:
read the difference before it is committed.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOTTO = os.environ.get("SOTTO_BINARY", "sotto")
DOCUMENTS = ["README.md", "engine/PLAN.md", "engine/SEMANTICS.md", "engine/LEAKAGE.md", "dataset/README.md"]
COLUMNS = 100
BLOCK = re.compile(r"^```(csv|console)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
# The programs that README's commands name.
PROGRAMS = ("sotto", "build/release/node/sotto")
# A card of engine/expression/functions.c: what it sets first, or by name, is the function's name.
CARD = re.compile(r"\[\w*FUNCTION_\w+\]\s*=\s*\{\s*(?:\.name\s*=\s*)?\"(\w+)\"")


def run(arguments, folder):
    return subprocess.run([SOTTO, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def strip_ends(text):
    """Blanks at the ends of lines are nothing that a reader sees."""
    return re.sub(r" +$", "", text, flags=re.M)


def fold(text):
    """Breaks lines that are too long for the page after a blank."""
    folded = []
    for line in strip_ends(text).splitlines():
        while len(line) > COLUMNS:
            cut = line.rindex(" ", 0, COLUMNS - 2)
            folded.append(line[: cut + 1] + "\\")
            line = "    " + line[cut + 1 :]
        folded.append(line)
    return "".join(line + "\n" for line in folded)


def split_session(text):
    """(command line, what is printed below it) of a console block."""
    parts = re.split(r"^\$ (.*)\n", re.sub(r" \\\n *", " ", text), flags=re.M)
    if parts[0]:
        raise ValueError(f"expected a command after $, found {parts[0]!r}")
    return list(zip(parts[1::2], parts[2::2]))


def arguments_of(line):
    words = shlex.split(line)
    if words[0] not in PROGRAMS:
        raise ValueError(f"expected a command of sotto, found {line!r}")
    return words[1:]


def blocks_of(name):
    return [match.groups() for match in BLOCK.finditer((ROOT / name).read_text())]


def put_files(blocks, folder):
    for kind, file, text in blocks:
        if kind == "csv":
            (pathlib.Path(folder) / file).write_text(text)


def program_functions():
    return CARD.findall((ROOT / "engine/expression/functions.c").read_text())


def table_functions():
    """The functions that PLAN.md's tables have a row for: names at the beginning of a row, `name(`."""
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "engine/PLAN.md").read_text(), flags=re.M)
    return [name for row in rows for name in re.findall(r"`(\w+)\(", row)]


def comparable(line):
    """A line of the demo without what no two runs have in common: time, port, and the order of fresh keys."""
    line = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", line))
    return re.sub(r"\[([a-z]+(?:, [a-z]+)+)\]", lambda m: str(sorted(m[1].split(", "))), line)


class Examples(unittest.TestCase):
    def test_what_is_printed(self):
        examples = 0
        for name in DOCUMENTS:
            blocks = blocks_of(name)
            with tempfile.TemporaryDirectory() as folder:
                put_files(blocks, folder)
                for line, expected in (pair for kind, _, text in blocks if kind == "console"
                                       for pair in split_session(text)):
                    done = run(arguments_of(line), folder)
                    with self.subTest(document=name, command=line):
                        # On a terminal both are seen; which comes first is not told.
                        printed = (done.stdout + done.stderr, done.stderr + done.stdout)
                        self.assertIn(strip_ends(expected), list(map(strip_ends, printed)))
                    examples += 1
        self.assertGreater(examples, 30)

    def test_the_demo_prints_what_readme_shows(self):
        shown = re.search(r"^```\n(Three companies.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)[1]
        done = subprocess.run([ROOT / "node/demo.sh", SOTTO], capture_output=True, text=True, timeout=120)
        printed = [comparable(line) for line in done.stdout.splitlines()]
        for line in shown.splitlines():
            if line != "...":
                self.assertIn(comparable(line), printed)

    def test_every_function_has_a_row(self):
        known = program_functions()
        self.assertGreater(len(known), 30, "the cards of functions.c are written in another form")
        self.assertEqual(sorted(table_functions()), sorted(known))

    def test_rows_are_of_functions_that_the_program_knows(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "x.csv").write_text("x\n1\n")
            self.assertIn("unknown function", run(["local", "--data", "x.csv", "--", "nothing(x)"], folder).stderr)
            for name in table_functions():
                said = run(["local", "--data", "x.csv", "--", f"{name}(x)"], folder).stderr
                self.assertNotIn("unknown function", said, name)

    def test_every_function_has_an_example(self):
        commands = [line for kind, _, text in blocks_of("engine/PLAN.md") if kind == "console"
                    for line, _ in split_session(text)]
        for name in program_functions():
            self.assertTrue(any(re.search(rf"\b{name}\(", line) for line in commands), f"{name} has no example")


def update():
    for name in DOCUMENTS:
        path = ROOT / name
        with tempfile.TemporaryDirectory() as folder:
            put_files(blocks_of(name), folder)

            def answered(match):
                if match[1] != "console":
                    return match[0]
                lines = [line for line, _ in split_session(match[3])]
                done = [(line, run(arguments_of(line), folder)) for line in lines]
                texts = [f"$ {line}\n{one.stderr}{one.stdout}" for line, one in done]
                return "```console\n" + fold("".join(texts)) + "```"

            path.write_text(BLOCK.sub(answered, path.read_text()))


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
