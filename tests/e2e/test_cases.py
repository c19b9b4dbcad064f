# SPDX-License-Identifier: Apache-2.0
"""Files as people have them, and what public reports say that other programs made of them.

A row is a kind of fault: small files, a command of `sotto` and what it says. Kinds that another test
holds are named in ELSEWHERE with that test, which must be there. Numbers are those of exact fractions
or of pandas, worked out when the row was written.
"""

import bz2
import gzip
import io
import lzma
import pathlib
import re
import tempfile
import unittest
import zipfile

from support import ClusterCase, plan, run

TESTS = pathlib.Path(__file__).resolve().parents[1]


def table(*rows, end="\n"):
    return end.join(rows) + end


def keyed(*lens):
    """Rows with the keys a, b and none, so many of each."""
    return table("g,c", *(f"{key},{i}" for key, len_ in zip(("a", "b", ""), lens) for i in range(len_)))


def zip_of(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("t.csv", text)
    return out.getvalue()


AB = table("a,b", "4,5", "5,7")
# kind: (files, [(arguments, what it says, ...)]). local reads t.csv, simulate all files; 1: it fails.
CASES = {
    # Values
    "a no-break space in a number": ({"t.csv": "v\n5\n7\n6\u00a0\n"}, [
        (["local", "sum(v)"], 1, 't.csv:4: column "v": expected a number, as in most rows, found "6<U+00A0',
         'no-break space>": take out the hidden characters')]),
    "one text among thousands of numbers": ({"t.csv": table("v", *["3.5"] * 5000, '"3,276.28"', "1")}, [
        (["local", "mean(v)"], 1, 't.csv:5002: column "v"', '"3,276.28": take out the thousands separators'),
        (["local", "mean(v)", "--type", "v=decimal(2)"], 1,
         't.csv:5002: column "v": expected decimal(2) as configured, found "3,276.28"')]),
    "a typographic minus": ({"t.csv": "v\n5\n\u22126\n7\n"}, [
        (["local", "sum(v)"], 1, 't.csv:3', "<U+2212 minus sign>6", "write the minus as -")]),
    "per cent and currency": ({"t.csv": "p,c\n12%,$5.00\n3%,$7\n"}, [
        (["local", "mean(p)"], 1, "take out the per cent sign"),
        (["local", "mean(c)"], 1, "take out the currency sign")]),
    "a decimal comma that nobody said": ({"t.csv": 'wage;age\n100,5;30\n200,5;40\n'}, [
        (["local", "mean(wage)", "--delimiter", ";"], 1, 't.csv:2', "say --decimal ,"),
        (["local", "mean(wage)", "--delimiter", ";", "--decimal", ","], 0, "mean(wage)  150.5")]),
    "a decimal point where commas are said": ({"a.csv": "x\n1,5\n", "b.csv": "x\n2.1\n", "c.csv": "x\n1,5\n"}, [
        (["simulate", "mean(x)", "--delimiter", ";", "--decimal", ","], 1,
         'b.csv:2: column "x"', '"2.1": write its point as the comma')]),
    "underscores and digits of other scripts": ({"t.csv": "u,f,n\n1_000,\uff11\uff12,.5\n1_001,\uff11,5.\n7_777,9,-007\n"},
                                                [(["local", "sum(u)"], 1, '"1_000": take out the thousands separators'),
                                                 (["local", "sum(f)"], 1, "<U+FF11><U+FF12>", "digits as 0 to 9"),
                                                 (["local", "sum(n)"], 0, "-1.5")]),
    "hexadecimal numbers": ({"t.csv": "v,w\n0x10,+5\n0x11,-7\n"}, [
        (["local", "sum(v)"], 1, "column t.v is string"), (["local", "sum(w)"], 0, "-2")]),
    "SAS's point for a missing value": ({"t.csv": "x\n1\n.\n3\n"}, [
        (["local", "sum(x)"], 1, 't.csv:3', 'found "."', "say so with --na"),
        (["local", "sum(x)", "--na", "."], 0, "sum(x)  4")]),
    "a control character at the end": ({"t.csv": "v\n1\n2\n\x1a\n"}, [
        (["local", "sum(v)"], 1, 't.csv:4', 'found "<U+001A>"')]),
    "blanks around values": ({"t.csv": "a, b ,\"c\"\n 1,\t2 , \"3\" \n4 , 5,6\n"}, [
        (["local", "sum(a)", "sum(b)", "sum(c)"], 0, "sum(a)  5", "sum(b)  7", "sum(c)  9")]),
    "yes and no, 1 and 0": ({"a.csv": "f\nTrue\nFalse\n", "b.csv": "f\n1\n0\n", "c.csv": "f\nyes\nN\n"}, [
        (["simulate", "mean(f)"], 1, "don't mix", 'c.csv:2: column "f"', "say --type f=bool"),
        (["simulate", "mean(f)", "--type", "f=bool"], 0, "mean(f)  0.5"),
        (["simulate", "count(f)", "--type", "f=bool", "--by", "f in (true, false)"], 0, "true   3", "false  3"),
        (["simulate", "count(f)", "--type", "f=bool", "--where", "f == 1"], 0, "count(f)  3"),
        (["simulate", "count(f)", "--type", "f=bool", "--where", "f == true"], 1, "compared with 1 and 0")]),
    "booleans and numbers": ({"a.csv": "f\nTrue\n", "b.csv": "f\n1\n", "c.csv": "f\n0\n"}, [
        (["simulate", "mean(f)"], 1, "don't mix", "--type COLUMN=bool")]),
    "whole numbers beyond 32 and 64 bits": (
        {name: table("t,u", "2490000000,20150515061816532", f"{n},20150515061816532")
         for n, name in enumerate(("a.csv", "b.csv", "c.csv"))}, [
            (["simulate", "sum(t)", "sum(u) - 120903090370899190"], 0, "sum(t)                        7470000003", "2")]),
    "one exact kind of number": ({"a.csv": "g,v\n1.0,1\n", "b.csv": "g,v\n1,10\n", "c.csv": "g,v\n1.00,100\n"}, [
        (["simulate", "sum(v)", "--by", "g in (1, 2)"], 0, "1  111")]),
    "a variance far from zero": ({"t.csv": table("x", *["1125899906842624.25"] * 3, "1125899906842624.5")}, [
        (["local", "var(x)"], 0, "var(x)  0.015625")]),
    "powers of ten in full": ({"t.csv": "w\n1200\n40\n"}, [(["local", "sum(w)", "mean(w)"], 0, "1240", "620")]),
    "two parties": ({"a.csv": AB, "b.csv": AB}, [
        (["simulate", "mean(a)"], 1, "with two parties each learns the other's value")]),
    # Missing values, levels, keys
    "a level that is a word for a missing value": ({"t.csv": "c,v\nNA,1\nDE,2\n"}, [
        (["local", 'value_counts(c, "NA", "DE")'], 1, '"NA" is an NA word of t.csv'),
        (["local", 'value_counts(c, "NA", "DE")', "--na", ""], 0, "NA  1", "DE  1")]),
    "rows whose key is missing": ({"a.csv": "g,c\na,10\n,12.3\n", "b.csv": "g,c\nb,1\nNA,0\n", "c.csv": "g,c\na,3\n"}, [
        (["simulate", "sum(c)", "--by", 'g in ("a", na, other)'], 0, "a 13", "(other) 1", "(na) 12.3"),
        (["simulate", "sum(c)", "--by", 'g in ("a", other)'], 0, "(other) 1"),
        (["simulate", "sum(c)", "count(c)", "--by", "hist(c, 0, 5, na)", "--by", 'g in ("b", na)'], 0,
         "[0, 5], (na) 0", "(na), (na) 0"),
        (["simulate", "sum(c)", "--by", 'g in ("a", na, na)'], 1, "expected a level"),
        (["simulate", "sum(c)", "--by", 'g in (na)'], 1, '1 to 4096 of them'),
        (["simulate", "sum(c)", "--by", 'g in ("(na)", na)'], 1, "the name of the group of all missing values")]),
    "few rows whose key is missing": ({"t.csv": keyed(40, 40, 2)}, [
        (["local", "sum(c)", "--by", 'g in ("a", "b", na)', "--policy", "safe"], 0, "(na) withheld", "group b: withheld")]),
    "many rows whose key is missing": ({"t.csv": keyed(40, 40, 20)}, [
        (["local", "sum(c)", "--by", 'g in ("a", "b", na)', "--policy", "safe"], 0, "a 780", "b 780", "(na) 190")]),
    "a column without values at one party": ({"a.csv": "x\n1\n3\n", "b.csv": "x\nNA\n", "c.csv": "x\n\n5\n"}, [
        (["simulate", "mean(x)", "count(x)"], 0, "mean(x)   3", "count(x)  3")]),
    "no rows after the condition": ({"t.csv": AB}, [
        (["local", "mean(a)", "sum(a)", "count(a)", "--where", "a > 9"], 0, "NaN", "sum(a)      0", "count(a)    0")]),
    "unequal and missing": ({"t.csv": "g,x\na,1\n,2\nb,3\n"}, [
        (["local", "sum(x)", "--where", 'g != "a"'], 0, "sum(x)  5"),
        (["local", "sum(x)", "--where", 'not (g == "a")'], 0, "sum(x)  5")]),
    "one row, and constants": ({"t.csv": "x,y\n2,5\n2,5\n2,5\n"}, [
        (["local", "std(x)", "corr(x, y)", "cov(x, y)"], 0, "std(x)      0", "corr(x, y)  NaN", "cov(x, y)   0"),
        (["local", "std(x)", "--where", "x > 2"], 0, "NaN")]),
    # Lines and fields
    "lines of comments before the header": ({"t.csv": "# CO2\n# in ppm\nyear,co2\n1959,316\n1960,316.88\n"}, [
        (["local", "mean(co2)"], 1, "t.csv:3: expected 1 field", "are lines that begin with # comments (--comment)?"),
        (["local", "mean(co2)", "--comment", "#"], 0, "316.44")]),
    "titles above and sums below": ({"t.csv": "Wages of May\n\nname,wage\nann,100\nbob,200\nsum,300\nchecked\n"}, [
        (["local", "mean(wage)", "--skip", "2", "--footer", "2"], 0, "mean(wage)  150"),
        (["describe", "--skip", "2", "--footer", "2"], 0, "2 rows")]),
    "Excel's line of the delimiter": ({"t.csv": "sep=;\na;b\n1;2\n"}, [
        (["local", "sum(b)"], 0, "sum(b)  2"),
        (["local", "sum(b)", "--delimiter", ","], 1, "t.csv:1: sep=; tells another delimiter")]),
    "another delimiter": ({"t.csv": "wage;age\n100;30\n", "u.csv": "a\tb\n1\t2\n"}, [
        (["local", "mean(wage)"], 1, "is ';' the delimiter?"),
        (["describe", "u.csv"], 0, "a<U+0009 tab>b"),
        (["local", "sum(a)", "--data", "u.csv"], 1, "it has a<U+0009 tab>b; is a tab the delimiter?"),
        (["local", "sum(a)", "--data", "u.csv", "--delimiter", "\\t"], 0, "sum(a)  1")]),
    "delimiters at the end of lines": ({"t.csv": "a|b|\n1|2|\n", "u.csv": "a,b\n1,2,\n"}, [
        (["local", "sum(b)", "--delimiter", "|"], 0, "sum(b)  2"),
        (["local", "sum(b)", "--data", "u.csv"], 1, "u.csv:2: expected 2 fields as in the header, found 3; it ends with")]),
    "R's row names": ({"t.csv": '"","age"\n"1",30\n"2",40\n'}, [(["local", "mean(age)"], 0, "mean(age)  35")]),
    "CR alone, and mixed ends": ({"t.csv": "a,b\r4,5\r5,7\r", "u.csv": "a,b\n4,5\r\n5,7\r"}, [
        (["local", "sum(a)", "sum(b)"], 0, "sum(a)   9", "sum(b)  12"),
        (["local", "sum(a)", "--data", "u.csv"], 0, "sum(a)  9")]),
    "short and long rows": ({"t.csv": "a,b,c\n1,2,3\n4,5\n", "u.csv": "a\n1\n2,3\n"}, [
        (["local", "sum(a)"], 1, "t.csv:3: expected 3 fields as in the header, found 2"),
        (["local", "sum(a)", "--data", "u.csv"], 1, "u.csv:3: expected 1 field")]),
    "stray quotes and backslashes": ({"t.csv": 'q,n\n"5\\" x",1\n', "u.csv": 'f,n\n=("844"),1\n'}, [
        (["local", "sum(n)"], 1, 't.csv:2: column "q": stray quote'),
        (["local", "sum(n)", "--data", "u.csv"], 1, 'u.csv:2: column "f": stray quote')]),
    "NUL and other bytes": ({"t.csv": b"a,b\n1,2\n3\x00,4\n", "u.csv": b"a,b\n1,\xb5g\n"}, [
        (["local", "sum(b)"], 1, 't.csv:3: column "a": expected text, found a NUL byte'),
        (["local", "sum(a)", "--data", "u.csv"], 1, 'u.csv:2: column "b": expected UTF-8')]),
    "lines within quotes": ({"t.csv": 't,n\n"a\nb",1\n"c\r\nd",2'}, [(["local", "sum(n)", "count(t)"], 0, "3", "2")]),
    # Headers
    "a byte order mark": ({"t.csv": "\ufeff\"Team\",n\nx,1\n"}, [(["local", "count(Team)", "sum(n)"], 0, "sum(n)       1")]),
    "no header, an empty file": ({"t.csv": "1,2\n3,4\n", "u.csv": "", "v.csv": "\ufeff\n\n"}, [
        (["local", "sum(a)"], 1, "t.csv:1: expected a header"),
        (["describe", "u.csv"], 1, "u.csv:1: expected a header with the columns' names, found an empty file"),
        (["describe", "v.csv"], 1, "found an empty file")]),
    "names twice, in another case, missing": ({"t.csv": "a,b,a\n1,2,3\n", "u.csv": "wage\n1\n"}, [
        (["local", "sum(b)"], 1, 'found "a" as column 1 and as column 3'),
        (["local", "sum(Wage)", "--data", "u.csv"], 1, 'has no column "Wage"; did you mean "wage"?')]),
    "names that look alike": ({"a.csv": "gr\u00f6\u00dfe\n1\n", "b.csv": "gro\u0308\u00dfe\n2\n", "c.csv": "gr\u00f6\u00dfe\n3\n"}, [
        (["simulate", "mean(gr\u00f6\u00dfe)"], 1, 'did you mean "gro<U+0308 combining diaeresis>\u00dfe"?',
         "character 3 is U+006F there, not U+00F6")]),
    "hidden characters in names": ({"t.csv": "wage\u00a0,\u200bage\n1,2\n", "u.csv": "p\u0430y\n1\n"}, [
        (["local", "sum(wage)"], 1, 'did you mean "wage<U+00A0 no-break space>"?'),
        (["describe"], 0, "wage<U+00A0 no-break space>", "<U+200B zero width space>age"),
        (["local", "sum(pay)", "--data", "u.csv"], 1, "character 2 is U+0430 there, not U+0061")]),
    "odd names": ({"t.csv": '"a b",x.y,if\n1,2,3\n'}, [
        (["local", "sum(`a b`)", "sum(`x.y`)", "sum(`if`)"], 0, "1", "2", "3")]),
    "columns in another order": ({"a.csv": "x,y\n1,2\n", "b.csv": "y,x\n4,3\n", "c.csv": "x,y\n5,6\n"}, [
        (["simulate", "mean(*)"], 0, "x  3", "y  4")]),
    # Kinds of files
    "files that are no text": ({"z.csv": zip_of(AB), "x.csv": lzma.compress(AB.encode()), "b.csv": bz2.compress(AB.encode()),
                                "u.csv": AB.encode("utf-16-le"), "v.csv": AB.encode("utf-16"), "h.csv": "<!DOCTYPE html>\n"},
                               [(["describe", "z.csv"], 1, "found a zip archive"), (["describe", "x.csv"], 1, "found xz"),
                                (["describe", "b.csv"], 1, "found bzip2: unpack it first"),
                                (["describe", "u.csv"], 1, "found UTF-16 without a byte order mark: save the file as UTF-8"),
                                (["describe", "v.csv"], 1, "found UTF-16: save"), (["describe", "h.csv"], 1, "HTML")]),
    "gzip in members, padded, cut": (
        {"t.csv": gzip.compress(b"a,b\n4,") + gzip.compress(b"5\n5,7\n") + bytes(600), "u.csv": gzip.compress(AB.encode())[:-9]}, [
            (["local", "sum(b)"], 0, "sum(b)  12"),
            (["local", "sum(b)", "--data", "u.csv"], 1, "damaged or cut short")]),
    "a missing file, a folder": ({"d/x.csv": AB}, [
        (["local", "sum(a)"], 1, "t.csv: there is no such file"), (["describe", "d"], 1, "found a directory")]),
    # The command line
    "names of other languages": ({"t.csv": AB}, [
        (["local", "avg(a)"], 1, 'did you mean "mean"?'), (["local", "median(a)"], 0, "4.5"),
        (["local", "min(a)"], 1, 'unknown function "min"')]),
}

# Kinds that other tests hold: the file below tests/ and the test's name.
ELSEWHERE = {
    "types that do not fit: the owner is told": ("e2e/test_told.py", "test_a_value_that_makes_a_column_text"),
    "levels that a plan does not have": ("e2e/test_told.py", "test_a_level_that_the_plan_does_not_have"),
    "a dead proxy": ("e2e/test_told.py", "test_a_dead_proxy_is_named"),
    "0 for a number": ("e2e/test_options.py", "test_numbers_outside_their_range"),
    "standard input": ("e2e/test_describe.py", "test_table_packed_and_standard_input"),
    "a file that changes or grows": ("unit/test_csv_changed.c", "test_a_changed_file_is_an_error"),
    "fields of many MiB": ("unit/test_csv_refused.c", "test_limits"),
    "fields line by line and in parallel": ("property/test_csv_paths.c", "test_random_texts"),
    "doubles by their texts": ("unit/test_number.c", "test_doubles_of_the_strtod_suites"),
}


class Cases(unittest.TestCase):
    def check(self, folder, files, arguments, code, *parts):
        command, *rest = arguments
        options = [word for i, word in enumerate(rest) if word.startswith("--") or (i and rest[i - 1].startswith("--"))]
        words = [word for word in rest if word not in options]
        if command == "describe":
            arguments = [command, *options, *(words or ["t.csv"])]
        elif command == "simulate":
            arguments = [command, *options, *sorted(files), "--", *words]
        else:
            data = [] if "--data" in options else ["--data", "t.csv"]
            arguments = [command, *data, *options, "--", *words]
        done = run(*arguments, check=False, cwd=folder)
        said = re.sub(" +", " ", done.stdout + done.stderr)
        self.assertEqual(done.returncode, code, (arguments, said))
        for part in parts:
            self.assertIn(re.sub(" +", " ", part), said, arguments)

    def test_files_as_people_have_them(self):
        for kind, (files, commands) in CASES.items():
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    path = pathlib.Path(folder) / name
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(content if isinstance(content, bytes) else content.encode())
                for arguments, code, *parts in commands:
                    with self.subTest(kind):
                        self.check(folder, files, arguments, code, *parts)

    def test_kinds_that_other_tests_hold(self):
        for kind, (file, test) in ELSEWHERE.items():
            self.assertRegex((TESTS / file).read_text(), rf"\b{test}\b", kind)


class OnNodes(ClusterCase):
    def test_options_of_a_file(self):
        """node.yaml's options are the command line's, and a file is catalogued anew when they change."""
        rows = {"wages.csv": "Wages\nwage,ill\n100,yes\n200,no\n# 5\n300,1\nsum,600\n"}
        cluster = self.cluster([rows] * 3, start=False)
        options = {"file": "wages.csv", "skip": 1, "footer": 1, "comment": "#", "types": ["ill=bool"]}
        for node in cluster.nodes:
            node.files = [options]
        cluster.start()
        creator = cluster.nodes[0]
        asked = plan({"m": "mean(wages.wage)", "i": "sum(wages.ill)"})
        task = creator.create(asked)
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        outputs = creator.result(task)["outputs"]
        self.assertEqual((outputs["m"]["value"], outputs["i"]["value"]), (200, 6))
        for node in cluster.nodes:
            node.files = [{**options, "footer": 2}]
            node.configure()
            node.cli("reload")
        task = creator.create(asked)
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 150)


if __name__ == "__main__":
    unittest.main()
