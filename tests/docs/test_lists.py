# SPDX-License-Identifier: Apache-2.0
"""What documents list, compared with the tables of the program: keys of node.yaml, routes of the API."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOTTO = os.environ.get("SOTTO_BINARY", "sotto")
CONFIG = (ROOT / "node/CONFIG.md").read_text()
PLAN = """{"version": 1, "name": "mean wage", "type": "analytics", "datasets": {"wages": "wages.csv"},
           "select": {"m": "mean(wage)"}, "strategy": {"min_clients": 3}}"""

# Where a node meets others; what is a limit there by its name, and what is none for others.
LIMITED_ROOMS = {"http", "loop", "peer", "store", "task"}
LIMITED_FILES = ["node/config/places.h", "node/config/tokens.h", "aggregation/include/sotto/message.h",
                 "federation/include/sotto/listing.h"]
LIMIT = re.compile(r"(_MAX|_SECONDS|_OF_[A-Z]+)$")
NO_LIMITS = {"LOOP_HOOKS_MAX", "OPTIONS_BYTES_MAX", "SOTTO_MESSAGE_BYTES_MAX", "STORE_STATEMENTS_MAX"}


def evaluate(name, found):
    """The value of a constant: an expression of numbers and other constants."""
    text = re.sub(r"\((?:size_t|off_t|int64_t|uint64_t)\)", "", found[name])
    text = re.sub(r"\b[A-Z_]{3,}\b", lambda other: str(evaluate(other[0], found)), text)
    return eval(text, {"__builtins__": {}})  # noqa: S307  (digits and operators of our own source)


def rows(text):
    """The code spans in the first cell of each row of the document's tables."""
    return {name for cell in re.findall(r"^\| (`[^|]*) \|", text, flags=re.M) for name in re.findall(r"`([^`]+)`", cell)}


class Example(unittest.TestCase):
    def test_the_method_of_the_readme_is_the_one_that_is_tested(self):
        shown = re.search(r"^```c trimmed_mean.c\n(.*?)^```$", (ROOT / "engine/README.md").read_text(), re.M | re.S)[1]
        self.assertEqual(shown, (ROOT / "tests/random/trimmed_mean.c").read_text())
        self.assertLess(shown.count("\n"), 100)


class Version(unittest.TestCase):
    def test_it_is_one(self):
        places = {"CMakeLists.txt": r"project\(sotto VERSION (\S+)", "CHANGELOG.md": r"^## (\S+)",
                  "python/pyproject.toml": r'^version = "(.*)"', "python/sotto/__init__.py": r'^__version__ = "(.*)"',
                  "packaging/debian/changelog": r"^sotto \((.*)\)"}
        found = {place: re.search(word, (ROOT / place).read_text(), re.M)[1] for place, word in places.items()}
        self.assertEqual(len(set(found.values())), 1, found)


class Functions(unittest.TestCase):
    """sotto functions: every function of PLAN.md is explained, and its example runs."""

    def ask(self, *arguments, check=True):
        done = subprocess.run([SOTTO, "functions", *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0 if check else 2, done.stderr)
        return done.stdout if check else done.stderr

    def test_every_function_has_a_row_and_an_example_that_runs(self):
        text = (ROOT / "engine/PLAN.md").read_text()
        table = re.search(r"^```csv wages.csv\n(.*?)^```$", text, re.M | re.S)[1]
        functions = json.loads(self.ask("--json"))
        listed = set(re.findall(r"^  (\w+) +[A-Z0-9a-z]", self.ask(), re.M))
        names = {function["name"] for function in functions}
        self.assertEqual(listed, names)
        self.assertEqual({re.match(r"\w+", row)[0] for row in rows(text) if re.match(r"[a-z_0-9]+\(", row)}, names)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "wages.csv").write_text(table)
            for function in functions:
                with self.subTest(function["name"]):
                    explained = self.ask(function["name"])
                    for part in (function["call"], function["gives"], function["example"]):
                        self.assertIn(part, explained)
                    for option in function["options"]:
                        absent = "..." if option["absent"] is None else option["absent"]  # it must be there
                        self.assertIn(f"{option['name']}={absent}", explained)
                    command = explained.strip().splitlines()[-1].strip().replace("sotto", SOTTO, 1)
                    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertRegex(function["example"], rf"\b{function['name']}\(")

    def test_names_of_others_are_understood(self):
        self.assertIn("Welch", self.ask("ttest_ind"))
        self.assertIn('did you mean "quantile"', self.ask("quantil", check=False))


class Lists(unittest.TestCase):
    def setUp(self):
        self.yaml = re.search(r"^```yaml\n(.*?)^```$", CONFIG, re.M | re.S)[1]

    def keys(self):
        found = re.findall(r'(?:TEXT_FIELD|CYAML_FIELD_\w+)\("(\w+)"', (ROOT / "node/config/config_yaml.c").read_text())
        self.assertGreater(len(found), 30, "config_yaml.c declares its keys in another form")
        return set(found)

    def test_every_key_has_a_row_and_stands_in_the_example(self):
        sections = {"api", "peer", "peers", "policy", "files", "learning"}
        documented = {name.split(".")[-1] for name in rows(CONFIG)}
        # A column's entry is explained below its table.
        self.assertEqual(self.keys() - documented - sections, {"allow", "hide", "identifiers", "multiply"})
        for key in self.keys() - {"pin"}:  # pin and ca exclude each other
            self.assertRegex(self.yaml, rf"(?m)^[ -]*{key}:", f"{key} is not in the example")

    def test_the_example_is_a_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            files = {"node.yaml": self.yaml, "plan.json": PLAN}
            (pathlib.Path(folder) / "data").mkdir()
            for name, text in files.items():
                (pathlib.Path(folder) / name).write_text(text)
            done = subprocess.run([SOTTO, "check", "plan.json", "--from", "birch"], cwd=folder, capture_output=True,
                                  text=True, timeout=60)
        # Every key is taken; there are no files to ask.
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        self.assertIn("Policy lets it pass, and its rows can't be asked: wages.csv", done.stdout)

    def test_every_route_has_a_row(self):
        api = (ROOT / "node/API.md").read_text()
        routes = re.findall(r'\{"(GET|POST)", "(/[^"]+)"', (ROOT / "node/http/api.c").read_text())
        self.assertGreater(len(routes), 10, "api.c lists its routes in another form")
        documented = {(method, path.split("?")[0]) for method, path in
                      (name.split(" ", 1) for name in rows(api) if name.startswith(("GET ", "POST ")))}
        self.assertEqual(documented, set(routes))

    def test_the_contract_has_every_route_and_its_roles(self):
        source = (ROOT / "node/http/api.c").read_text()
        words = {"ANYBODY": None, "READERS": ["ask", "read"], "EVERY_ROLE": ["ask", "read", "approve", "watch"], "WATCHERS": ["approve", "watch"],
                 "ROLE_ASK": ["ask"], "ROLE_APPROVE": ["approve"], "ROLE_ADMIN": []}
        routes = {(method, path): words[roles] for method, path, roles
                  in re.findall(r'\{"(GET|POST)", "(/[^"]+)", \w+, (\w+)\}', source)}
        contract = json.loads((ROOT / "node/http/openapi.json").read_text())
        said = {(method.upper(), path): None if operation.get("security") == [] else operation["x-roles"]
                for path, operations in contract["paths"].items() for method, operation in operations.items()}
        self.assertEqual(said, routes)
        names = re.findall(r'X\(SOTTO_ERROR_\w+, -\d+, "(\w+)"', (ROOT / "base/include/sotto/status.h").read_text())
        self.assertEqual(contract["components"]["schemas"]["Error"]["properties"]["code"]["enum"], names)

    def test_every_limit_has_a_row(self):
        """Names and values of the tables are those of the program, and none of its limits is missing."""
        found = {}
        for path in [*sorted((ROOT / "node").glob("*/*.[ch]")), *(ROOT / name for name in LIMITED_FILES)]:
            if path.parent.name in LIMITED_ROOMS or str(path.relative_to(ROOT)) in LIMITED_FILES:
                found.update(re.findall(r"^#define (\w+) (.+?)(?: /\*.*)?$", path.read_text(), flags=re.M))
        text = CONFIG.split("\n## Limits\n", 1)[1]
        listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ([\d,]+(?: \wiB)?) \| [^|]+ \| [^|]+ \|$", text, flags=re.M))
        self.assertEqual(set(listed), rows(text), "a row lacks its default, its reason or what is seen")
        units = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
        for name, value in listed.items():
            self.assertIn(name, found)
            number, _, unit = value.replace(",", "").partition(" ")
            self.assertEqual(evaluate(name, found), int(number) * units.get(unit, 1), name)
        limits = {name for name in found if LIMIT.search(name)}
        self.assertEqual(limits - set(listed) - NO_LIMITS, set())


if __name__ == "__main__":
    unittest.main()
