# SPDX-License-Identifier: Apache-2.0
"""Guarded quantiles under profile safe, with a ledger: three parties of 200 rows each are asked for
medians, descriptions, bins and tables, one after the other; what would cut the cells of a quantile is
refused; exact ones and extremes need an owner's leave."""

import random
import unittest

from support import ClusterCase, plan


def draw(seed):
    """200 rows of shift, sex, age, wage (decimals with a long tail), tenure and score (doubles)."""
    rng = random.Random(seed)
    return [(rng.choice("de"), rng.choice("fm"), str(max(18, min(90, int(rng.gauss(45, 15))))),
             f"{rng.lognormvariate(8, 0.5):.2f}", str(rng.randint(0, 30)), f"{rng.gauss(0, 1):.6e}")
            for _ in range(200)]


def quantile(values, share):
    values = sorted(values)
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


class Guarded(ClusterCase):
    def start(self, **policy):
        parties = [draw(seed) for seed in (1, 2, 3)]
        header = "shift,sex,age,wage,tenure,score\n"
        cluster = self.cluster([{"wages.csv": header + "\n".join(map(",".join, rows)) + "\n"}
                                for rows in parties], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, **policy}
        cluster.start()
        cluster.wait_connected()
        self.creator, *self.others = cluster.nodes
        self.rows = [row for rows in parties for row in rows]

    def ask(self, **outputs):
        task = self.creator.create(plan(outputs))
        self.assertEqual(self.creator.wait_end(task), "FINISHED", self.creator.messages(task))
        return self.creator.result(task)["outputs"]

    def refuses(self, rule, **more):
        body = plan(wait=5, connection=5, **more)
        _, answer = self.creator.request("POST", "/v1/task", body)
        if "rule" in answer:  # by the plan alone
            self.assertIn(rule, answer["detail"])
            return
        self.assertEqual(self.creator.wait_end(answer["task_id"]), "ERROR", more)
        self.assertIn(rule, self.creator.log())

    def holds(self, value, column, share):
        """The interval, or the value, is where the pooled quantile is, and no wider than a third of
        all rows."""
        values = sorted(float(row[column]) for row in self.rows)
        low, high = value.get("low", value["value"]), value.get("high", value["value"])
        self.assertLessEqual(low, quantile(values, share) + 1e-9)
        self.assertGreaterEqual(high, quantile(values, share) - 1e-9)
        self.assertLess(sum(low <= one <= high for one in values), len(values) / 3)

    def test_safe(self):
        self.start()
        found = self.ask(m="median(wages.wage)", q="quantile(wages.score, 0.1, 0.9)")
        self.holds(found["m"], 3, 0.5)
        self.assertEqual(found["m"]["special"], "interval")
        for value, share in zip(found["q"]["values"], (0.1, 0.9), strict=True):
            self.holds(value, 5, share)
        found = self.ask(d="describe([wages.age, wages.wage])", i="iqr(wages.age)", a="mad(wages.age)")
        ages = [float(row[2]) for row in self.rows]
        distances = [abs(age - quantile(ages, 0.5)) for age in ages]
        low, high = (found["a"][end] for end in ("low", "high"))
        self.assertTrue(low <= quantile(distances, 0.5) <= high <= low + 15, found["a"])
        self.assertEqual(found["d"]["values"][0][0]["value"], 600)
        for i, share in enumerate((0.25, 0.5, 0.75)):
            for j, column in enumerate((2, 3)):
                self.holds(found["d"]["values"][3 + i][j], column, share)
        found = self.ask(h="hist(wages.tenure, 0, 15, 30)",
                         c="crosstab(wages.shift in ('d', 'e'), wages.sex in ('f', 'm'))")
        self.assertEqual(sum(value["value"] for value in found["h"]["values"]), 600)
        self.assertEqual(found["c"]["fields"]["total"]["value"], 600)
        self.ask(m="median(wages.wage)")
        self.refuses("quantiles of `wage` in wages.csv", outputs={"m": "median(wages.wage)"}, where="wages.sex == 'f'")
        self.refuses("quantiles of `age` in wages.csv", outputs={"h": "hist(wages.age, 0, 40, 90)"})
        self.refuses("quantiles of `tenure` in wages.csv", outputs={"m": "median(wages.tenure)"})

    def test_leave(self):
        self.start(quantiles="exact", extremes="guarded", refusals=100)
        values = [float(row[3]) for row in self.rows]
        found = self.ask(m="median(wages.wage, exact=1)", e="quantile(wages.score, 0, 1)")
        self.assertAlmostEqual(found["m"]["value"], quantile(values, 0.5))
        for value, share in zip(found["e"]["values"], (0, 1), strict=True):
            self.holds(value, 5, share)
        self.refuses("policy.extremes has it guarded",
                     outputs={"m": "describe(wages.age, extremes=1, exact=1)"})

    def test_fewer_edges(self):
        """Bins that are withheld are known together, and told as one to who asks with fewer edges."""
        self.start()
        found = self.ask(h="hist(wages.wage, 0, 3000, 9000, 12000, 90000)", n="count(wages.wage)")
        shown, *withheld = found["h"]["values"]
        self.assertEqual([value["special"] for value in withheld], 3 * ["withheld"])
        rest = found["n"]["value"] - shown["value"]
        found = self.ask(h="hist(wages.wage, 0, 3000, 90000)", v="value_counts(wages.sex, 'f', 'm')")
        self.assertEqual([value["value"] for value in found["h"]["values"]], [shown["value"], rest])
        self.refuses("quantiles of `wage` in wages.csv", outputs={"m": "median(wages.wage)"})

    def test_moved_edges(self):
        """Who has other rows than before would move the edges of cells over the same rows of others."""
        self.start(refusals=100)
        self.ask(m="median(wages.wage)")
        self.ask(m="median(wages.wage)")
        rows = [f"d,f,30,{1 + i / 1000:.2f},3,0.5" for i in range(200)]
        path = self.creator.data / "wages.csv"
        path.write_text("shift,sex,age,wage,tenure,score\n" + "\n".join(rows) + "\n")
        task = self.creator.create(plan({"m": "median(wages.wage)"}, wait=5, connection=5))
        self.assertEqual(self.creator.wait_end(task), "ERROR")
        self.assertIn("nor twice with other edges", self.others[0].log() + self.others[1].log())

    def test_other_types(self):
        """A number with an exponent in one file makes doubles of all: these have another scale."""
        self.start(refusals=100)
        self.ask(m="median(wages.tenure)")
        rows = [",".join((*row[:4], f"{row[4]}e0", row[5])) for row in draw(4)]
        text = "shift,sex,age,wage,tenure,score\n" + "\n".join(rows) + "\n"
        (self.creator.data / "wages.csv").write_text(text)
        task = self.creator.create(plan({"m": "median(wages.tenure)"}, wait=5, connection=5))
        self.assertEqual(self.creator.wait_end(task), "ERROR")
        self.assertIn("nor twice with other edges", self.others[0].log() + self.others[1].log())

    def test_complete_rows(self):
        """Those that have a manager are others than all: their cells would be told of both."""
        rng = random.Random(5)
        files = [{"wages.csv": "wage,manager\n" + "".join(
            f"{rng.lognormvariate(8, 0.5):.2f},{rng.choice(['1', ''])}\n" for _ in range(200))} for _ in range(3)]
        cluster = self.cluster(files, start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, "refusals": 100}
        cluster.start()
        cluster.wait_connected()
        self.creator, *self.others = cluster.nodes
        self.ask(m="median(wages.wage)")
        outputs = {"m": "median(wages.wage)", "n": "count(wages.manager)"}
        task = self.creator.create(plan(outputs, wait=5, connection=5, rows="complete"))
        self.assertEqual(self.creator.wait_end(task), "ERROR")
        self.assertIn("nor twice with other edges", "".join(node.log() for node in cluster.nodes))

    def test_no_leave(self):
        self.start(refusals=100)
        self.refuses("without exact=1 it is guarded", outputs={"m": "median(wages.wage, exact=1)"})
        self.refuses("policy.extremes denies it", outputs={"m": "quantile(wages.wage, 1)"})
        self.refuses("without exact=1 it is guarded", outputs={"m": "mad(wages.wage, exact=1)"})


if __name__ == "__main__":
    unittest.main()
