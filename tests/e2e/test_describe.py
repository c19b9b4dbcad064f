# SPDX-License-Identifier: Apache-2.0
"""sotto describe, and packed files and standard input wherever a file is read."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOTTO = os.environ["SOTTO_BINARY"]
TEXT = ('id,name,pay,score,ok,none\n1,Ann,10.50,1e3,true,\n2,"Bob ""B""",7,0.12345678901234567890123,false,\n'
        '3,Ann,NA,2,TRUE,NA\n')


def sotto(*arguments, given=None):
    return subprocess.run([SOTTO, *arguments], input=given, capture_output=True, text=True, timeout=60)


class Describe(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "t.csv"
        self.path.write_text(TEXT)

    def test_json(self):
        found = json.loads(sotto("describe", str(self.path), "--json").stdout)
        self.assertEqual(found["rows"], 3)
        self.assertEqual([column["type"] for column in found["columns"]],
                         ["int64", "string", "decimal", "float64", "bool", "null"])
        self.assertEqual([column["missing"] for column in found["columns"]], [0, 0, 1, 0, 0, 3])
        self.assertEqual(found["columns"][1]["distinct"], 2)
        self.assertEqual(found["columns"][2]["scale"], 2)
        self.assertTrue(found["columns"][3]["digits_lost"])

    def test_table_packed_and_standard_input(self):
        plain = sotto("describe", str(self.path))
        self.assertIn("decimal(2)", plain.stdout)
        packed = self.folder / "t.csv.gz"
        packed.write_bytes(gzip.compress(TEXT.encode()))
        self.assertEqual(sotto("describe", str(packed)).stdout, plain.stdout)
        self.assertEqual(sotto("describe", "-", given=TEXT).stdout, plain.stdout)

    def test_distinct_has_an_end(self):
        self.path.write_text("s\n" + "".join(f"x{i}\n" for i in range(100001)))
        found = json.loads(sotto("describe", str(self.path), "--json").stdout)
        self.assertEqual(found["columns"][0]["distinct_above"], 100000)
        self.path.write_text("s\n" + "".join(f"x{i % 100000}\n" for i in range(100500)))
        found = json.loads(sotto("describe", str(self.path), "--json").stdout)
        self.assertEqual(found["columns"][0]["distinct"], 100000)

    def test_tabs_and_columns_without_a_name(self):
        """A tab has a name; R's row names make a column that nobody can ask for."""
        self.path.write_text('""\tx\ty\n"ann"\t1\t2\n"bob"\t3\t4\n')
        for tab in ("\t", "tab", "\\t"):
            found = sotto("describe", str(self.path), "--delimiter", tab)
            self.assertEqual([line.split()[0] for line in found.stdout.splitlines()[3:]], ["-", "x", "y"])
            found = sotto("local", "--json", "--delimiter", tab, "--data", f"t={self.path}", "--", "s=sum(*)")
            self.assertIn('[["x", "y"]]', found.stdout)
        self.assertIn("a tab (tab, \\t) or one of", sotto("describe", str(self.path), "--delimiter", "tabs").stderr)

    def test_errors(self):
        self.path.write_text("a,b\n1\n")
        found = sotto("describe", str(self.path))
        self.assertEqual(found.returncode, 1)
        self.assertIn("t.csv:2: expected 2 fields", found.stderr)
        self.assertEqual(sotto("describe").returncode, 2)

    def test_local_reads_packed_files(self):
        packed = self.folder / "t.csv.gz"
        packed.write_bytes(gzip.compress(TEXT.encode()))
        ours = sotto("local", "--data", f"t={packed}", "--", "m=mean(pay)")
        self.assertEqual(ours.stdout, sotto("local", "--data", f"t={self.path}", "--", "m=mean(pay)").stdout)
        self.assertIn("8.75", ours.stdout)
        self.assertEqual(sotto("local", "--data", "t=-", "--", "m=mean(pay)", given=TEXT).stdout, ours.stdout)

    def test_options_say_how_a_file_is_read(self):
        text = "id;pay\n007;1,5\n008;none\n009;2,25\n"
        options = ["--decimal", ",", "--na", "none", "--type", "id=string"]
        columns = json.loads(sotto("describe", *options, "--json", "-", given=text).stdout)["columns"]
        self.assertEqual([(c["name"], c["type"], c["missing"]) for c in columns],
                         [("id", "string", 0), ("pay", "decimal", 1)])
        ours = sotto("local", "--data", "t=-", *options, "--json", "--", "m=mean(pay)", given=text)
        self.assertEqual(json.loads(ours.stdout)["outputs"]["m"]["value"], 1.875)
        for wrong, why in (("pay=int64", "column \"pay\": expected int64 as configured"),
                           ("pay=int", "--type: \"pay=int\": expected COLUMN=TYPE"),
                           ("salary=int64", "expected a column \"salary\", which the options name")):
            with self.subTest(wrong):
                refused = sotto("describe", *options, "--type", wrong, "-", given=text)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(why, refused.stderr)


if __name__ == "__main__":
    unittest.main()
