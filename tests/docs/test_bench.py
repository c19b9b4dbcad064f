# SPDX-License-Identifier: Apache-2.0
"""bench/RESULTS.md and its picture say what the run that was kept has measured."""

import importlib.util
import pathlib
import re
import unittest
import xml.etree.ElementTree

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "bench"
SPEC = importlib.util.spec_from_file_location("report", FOLDER / "all.py")
report = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(report)

FACTS = {"cpu": "C", "cores": 2, "memory_gib": 24, "load_before": 0.1, "day": "2026-01-01"}


def line(value, low, high, ratio=None, **more):
    return {"bench": "stats", "case": "expr_int64", "value": value, "unit": "GB/s", "p10": low, "p90": high,
            **({} if ratio is None else {"ratio": ratio}), **more}


class Kept(unittest.TestCase):
    def test_is_what_is_shown(self):
        self.assertEqual(report.main(["--check"]), 0)


class Report(unittest.TestCase):
    def test_a_case_has_the_run_before_and_no_older_one(self):
        kept = {}
        for value in (1, 2, 3):
            kept = report.keep(kept, [line(value, value, value)], FACTS)
        case = kept["stats/expr_int64"]
        self.assertEqual((case["line"]["value"], case["before"]["line"]["value"]), (3, 2))
        self.assertNotIn("before", case["before"])

    def test_what_is_within_the_noise_is_the_same(self):
        before = {"line": line(10, 8, 12)}
        self.assertEqual(report.change(line(11, 11, 11), before), "same")
        self.assertEqual(report.change(line(20, 9, 30), before), "same")
        self.assertEqual(report.change(line(20, 19, 30), before), "2.00 times")
        self.assertEqual(report.change(line(20, 19, 30), None), "")

    def test_goals_that_are_missed_are_named(self):
        rows = report.rows_of({"line": line(1, 1, 1, {"numpy": 5.0, "polars": 0.5}), "before": None})
        self.assertEqual([row[3:] for row in rows], [["numpy", "5", "4"], ["polars", "0.5", "0.7, missed"]])
        own = {"line": line(1, 1, 1, {"duckdb": 2.0}, goals={"ratio": {"duckdb": 3}}), "before": None}
        self.assertEqual(report.rows_of(own)[0][3:], ["duckdb", "2", "3, missed"])
        slow = {"line": line(7, 7, 7, passes=8, goals={"gb/s": 6, "passes": 9}), "before": None}
        self.assertEqual(report.rows_of(slow)[0][5], "passes at most 9, at most 6, missed")

    def test_the_picture_has_the_best_peer_of_each_case(self):
        cases = report.keep({}, [line(1, 1, 1, {"plain": 0.1, "a<b": 0.5, "c": 2.0})], FACTS)
        text = "".join(xml.etree.ElementTree.fromstring(report.picture(cases)).itertext())
        self.assertIn("a<b", text)
        self.assertFalse(re.search("plain|2$", text.strip()))


if __name__ == "__main__":
    unittest.main()
