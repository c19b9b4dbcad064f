# SPDX-License-Identifier: Apache-2.0
"""Options of the command line: an option does what it says, or is refused with what was expected. None is ignored."""

import csv
import io
import json
import pathlib
import tempfile
import unittest

from support import run

RANGES = {  # of the whole numbers, and a command that takes them
    "--parties": ("3 to 1000", ["simulate"]),
    "--elements": ("1 to 100000000", ["simulate", "--parties", "3"]),
    "--bits": ("1 to 54", ["simulate", "--parties", "3"]),
    "--seed": ("1 to 4294967295", ["simulate", "--parties", "3"]),
    "--digits": ("1 to 17", ["local", "--data", "x.csv"]),
    "--min": ("3 to 1000", ["run", "--data", "x.csv"]),
    "--max": ("3 to 1000", ["run", "--data", "x.csv"]),
    "--wait-timeout": ("1 to 604800", ["run", "--data", "x.csv"]),
    "--connection-timeout": ("1 to 604800", ["run", "--data", "x.csv"]),
}


class Options(unittest.TestCase):
    def refuse(self, arguments, *parts):
        done = run(*arguments, check=False, env={"SOTTO_NODE": "http://127.0.0.1:1"})
        self.assertEqual((done.returncode, done.stdout), (2, ""), (arguments, done.stderr))
        for part in parts:
            self.assertIn(part, done.stderr, arguments)

    def test_nothing_is_asked(self):
        """An empty text among what is asked is named by its place, and what is expected there."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.csv")
            path.write_text("x\n1\n")
            for command in (["local", str(path)], ["run", "--data", f"x={path}"], ["simulate", *[str(path)] * 3]):
                for asked, place in (([""], 1), (["mean(x)", " \t"], 2), (["", "mean(x)"], 1)):
                    done = run(*command, "--", *asked, check=False, env={"SOTTO_NODE": "http://127.0.0.1:1"})
                    self.assertIn(f"number {place} of what stands after -- is empty: expected what is asked, such as "
                                  "'mean(wage)'", done.stderr, command)
                    self.assertNotEqual(done.returncode, 0)

    def test_numbers_outside_their_range(self):
        for option, (range_, command) in RANGES.items():
            least, most = map(int, range_.split(" to "))
            for value in ("0", str(least - 1), str(most + 1), "-1", "", "x", "3x", "+3", " 3", "0x10", "1e1", "3.0",
                          "4294967299", "18446744073709551619"):
                self.refuse([*command, option, value], f"{option} {value}: expected a whole number",
                            f"from {least} to {most}")
        for value in ("1", "-0.1", "x", "nan", "inf", "0x0.8", "", "0.3x"):
            for option in ("--drop", "--corrupted"):
                self.refuse(["simulate", "--parties", "3", option, value], "expected a fraction from 0 to below 1")
        run("simulate", "--parties", "3", "--elements", "1", "--bits", "54", "--drop", "0")

    def test_what_a_trial_prints(self):
        arguments = ["simulate", "--parties", "5", "--elements", "10", "--drop", "0.2"]
        found = json.loads(run(*arguments, "--json").stdout)
        self.assertEqual([found[key] for key in ("parties", "lost", "survivors", "elements", "bits", "element_bytes",
                                                 "right")], [5, 1, 4, 10, 24, 4, True])
        self.assertEqual(list(found["steps"]), ["dealing", "masking", "consenting", "revealing", "total"])
        self.assertGreater(found["steps"]["total"]["party_up_bytes"], 0)
        rows = list(csv.DictReader(io.StringIO(run(*arguments, "--csv").stdout)))
        self.assertEqual([row["step"] for row in rows], list(found["steps"]))
        self.assertEqual({row["right"] for row in rows}, {"true"})
        self.assertEqual(float(rows[1]["party_up_bytes"]), found["steps"]["masking"]["party_up_bytes"])
        self.assertEqual(set(found["steps"]["total"]) - set(rows[0]), set())
        self.refuse([*arguments, "--json", "--csv"], "one of --json, --csv and --plot")

    def test_graphs_of_a_trial(self):
        def holders(*arguments):
            return json.loads(run("simulate", "--json", *arguments).stdout)["holders"]

        self.assertEqual(holders("--parties", "60"), 60)
        sparse = holders("--parties", "120")
        self.assertLess(sparse, 60)
        self.assertEqual(holders("--parties", "120", "--graph", "curious"), sparse)
        self.assertEqual(holders("--parties", "120", "--graph", "complete"), 120)
        self.assertGreater(holders("--parties", "120", "--corrupted", "0.2"), sparse)
        self.assertEqual(holders("--parties", "120", "--seed", "3"), sparse)

    def test_options_without_a_use(self):
        trial = ["simulate", "--parties", "3"]
        for option in (["--where", "x > 1"], ["--by", "x in (1)"], ["--log"], ["--delimiter", ";"], ["--decimal", ","],
                       ["--na", "-"], ["--type", "x=string"]):
            self.refuse([*trial, *option], f"sotto simulate --parties N takes no {option[0]}")
        for option in (["--elements", "2"], ["--bits", "3"], ["--drop", "0.1"], ["--graph", "curious"], ["--seed", "3"],
                       ["--corrupted", "0.1"]):
            self.refuse(["simulate", "a.csv", "b.csv", "c.csv", *option, "--", "sum(x)"], f"takes no {option[0]}")
        for option in (["--min", "3"], ["--max", "4"], ["--wait-timeout", "9"], ["--connection-timeout", "9"],
                       ["--name", "n"], ["--where", "x > 1"], ["--by", "x in (1)"]):
            self.refuse(["run", "plan.json", *option], f"takes no {option[0]}")
        for arguments in (["init", "--show", "--data", "x.csv"], ["init", "--show=x"], ["version", "x"],
                          ["version", "--", "x"], ["completion", "bash", "--", "x"],
                          ["keygen", "--out", "node.key", "--", "x"]):
            self.refuse(arguments, "expected")

    def test_addresses_of_nodes(self):
        for address in ("6700", "http://6700", "ftp://x", "http://", "", "x:0", "x y", "http://x:66000", "::1", "http://x?y"):
            for arguments, env in ((["list", "--node", address], {}), (["list"], {"SOTTO_NODE": address})):
                if env.get("SOTTO_NODE") == "":
                    continue  # as if it were not set
                done = run(*arguments, check=False, env=env)
                self.assertEqual(done.returncode, 1)
                self.assertIn("expected a node's address, such as http://127.0.0.1:6700", done.stderr, address)
        for address in ("localhost:1", "http://127.0.0.1:1/", "https://[::1]:1", "http://localhost:1/sotto/"):
            self.assertIn("can't be reached", run("list", "--node", address, check=False).stderr)

    def test_a_beginning_of_a_name_is_no_option(self):
        for arguments, text in ((["local", "--dat", "x.csv", "--", "sum(x)"], "unknown option --dat; did you mean --data?"),
                                (["local", "--dat=x.csv", "--", "sum(x)"], "unknown option --dat; did you mean --data?"),
                                (["local", "--jso", "--", "sum(x)"], "unknown option --jso; did you mean --json?"),
                                (["list", "--zebra"], "unknown option --zebra; see sotto list --help"),
                                (["local", "--data"], "--data needs a value")):
            self.refuse(arguments, text)

    def test_files_by_place(self):
        """As simulate and describe take them; or all of them by --data."""
        with tempfile.TemporaryDirectory() as folder:
            for name in "ab":
                pathlib.Path(folder, f"{name}.csv").write_text("x\n1\n2\n")
            asked = ["--csv", "--", "sum(a.x)", "sum(b.x)"]
            by_place = run("local", "a.csv", "b.csv", *asked, cwd=folder)
            by_data = run("local", "--data", "a.csv", "--data", "b.csv", *asked, cwd=folder)
            self.assertEqual(by_place.stdout, by_data.stdout)
            self.assertIn("3", by_place.stdout)
        for files in ([], ["a.csv", "--data", "b.csv"]):
            self.refuse(["local", *files, "--", "sum(x)"], "expected: sotto local FILE... -- EXPRESSION")

    def test_tables_of_one_name(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "t.csv"
            path.write_text("x\n1\n")
            done = run("local", "--data", path, "--data", path, "--", "sum(t.x)", check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn('two tables are named "t" in the plan: give one another name, such as --data b=', done.stderr)
            done = run("local", "--data", path, "--data", f"b={path}", "--", "sum(t.x) + sum(b.x)")
            self.assertIn("2", done.stdout)

    def test_options_given_twice(self):
        for option in (["--where", "x > 1"], ["--delimiter", ";"], ["--decimal", ","], ["--json"]):
            self.refuse(["local", "--data", "x.csv", *option, *option, "--", "sum(x)"], f"{option[0]} is given twice")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "t.csv"
            path.write_text("x,y\n1,-\n2,.\n")
            done = run("local", "--data", f"t={path}", "--na", "-", "--na", ".", "--csv", "--", "n=count(y)", "s=sum(x)")
            self.assertIn("n,,,0,0", done.stdout)


if __name__ == "__main__":
    unittest.main()
