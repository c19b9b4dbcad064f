# SPDX-License-Identifier: Apache-2.0
"""What analysts ask, all of it in any order, of three nodes under profile safe, with ledgers: what one
answer takes from the next one is what LEAKAGE.md says, and nothing else."""

import random
import unittest

from support import ClusterCase, plan


WARDS = "C(wages.ward in ('a', 'b', 'c'))"


def by(column, *levels):
    return {"group_by": [{"column": column, "levels": list(levels)}]}


# What is asked, of which rows, of which column it tells a quantile, and on which it has a condition.
QUESTIONS = [
    ("mean(wages.wage)", {}, None, None),
    ("std(wages.age)", {}, None, None),
    ("mean(wages.note)", {}, None, None),
    ("corr(wages.age, wages.wage)", {}, None, None),
    ("count(wages.age)", by("wages.sex", "m", "f"), None, "sex"),
    ("mean(wages.age)", by("wages.ward", "a", "b", "c"), None, "ward"),
    ("mean(wages.wage)", {"where": "wages.age >= 50"}, None, "age"),
    ("hist(wages.wage, 2000, 3000, 4000, 5000, 6001)", {}, None, "wage"),
    ("value_counts(wages.ward, 'a', 'b', 'c')", {}, None, "ward"),
    ("crosstab(wages.sex in ('m', 'f'), wages.ill in (0, 1))", {}, None, "sex"),
    ("chi2(wages.sex in ('m', 'f'), wages.ill in (0, 1))", {}, None, "sex"),
    ("ttest(wages.wage, wages.sex in ('m', 'f'))", {}, None, "sex"),
    ("median(wages.wage)", {}, "wage", None),
    ("describe(wages.age)", {}, "age", None),
    ("ols(wages.wage, wages.age, wages.ill)", {}, None, None),
    ("glm(wages.ill, wages.age, family=binomial)", {}, None, None),
    (f"glm(wages.ill, wages.age, {WARDS}, family=binomial)", {}, None, "ward"),
    ("glm(wages.visits, wages.age, family=poisson, likelihood=0)", {}, None, None),
    (f"glm(wages.cost, wages.age, {WARDS}, family=gamma, link=log)", {}, None, "ward"),
    ("mnlogit(wages.ward in ('a', 'b', 'c'), wages.age)", {}, None, "ward"),
]


class Sequences(ClusterCase):
    """All is answered, but for a quantile and a condition of one column."""

    def table(self, rng):
        lines = ["sex,age,wage,ill,ward,visits,cost,note"]
        for _ in range(200):
            age, note = rng.randint(20, 80), "" if rng.random() < 0.2 else round(rng.gauss(50, 9), 1)
            lines.append(f"{rng.choice('mf')},{age},{rng.randint(2000, 6000)},{int(rng.random() < .2 + age / 200)},"
                         f"{rng.choice('abc')},{rng.randint(0, 3)},{rng.gammavariate(2, 50 + age):.2f},{note}")
        return {"wages.csv": "\n".join(lines) + "\n"}

    def ask_all(self, seed):
        rng = random.Random(seed)
        cluster = self.cluster([self.table(rng) for _ in range(3)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, "refusals": 100}
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        told, conditions = set(), set()
        for asked, rows, quantile, condition in rng.sample(QUESTIONS, len(QUESTIONS)):
            expected = "ERROR" if quantile in conditions or condition in told else "FINISHED"
            task = creator.create(plan({"x": asked}, **rows))
            self.assertEqual(creator.wait_end(task), expected, (asked, rows, creator.log()[-1500:]))
            if expected == "FINISHED":
                told |= {quantile} - {None}
                conditions |= {condition} - {None}
            else:
                self.assertIn(f"ledger: quantiles of `{quantile or condition}`", creator.log())

    def test_columns_that_a_few_rows_lack(self):
        """Nothing is told of a column anew: other sums that had it were over the rows that have all."""
        rng = random.Random(3)
        files = []
        for rows, lack_sbp, lack_again in ((210, 19, 11), (170, 15, 7), (120, 7, 5)):
            columns = [rng.sample(range(rows), few) for few in (lack_sbp, lack_again)]
            lines = ["sbp,age,smoker,again,sex"]
            for i in range(rows):
                sbp, again = ("" if i in few else value for few, value in
                              zip(columns, (rng.randint(90, 180), int(rng.random() < 0.3))))
                lines.append(f"{sbp},{rng.randint(20, 90)},{int(rng.random() < 0.3)},{again},{rng.choice('fm')}")
            files.append({"wages.csv": "\n".join(lines) + "\n"})
        by_age = ("mean(wages.sbp)", {"where": "wages.age >= 65"})
        for asked in (["glm(wages.again, wages.age, family=binomial)", "mean(wages.again)"],
                      ["ols(wages.sbp, wages.age, wages.smoker)", "ols(wages.sbp, wages.age)"],
                      ["ttest(wages.sbp, wages.sex in ('f', 'm'))", "ols(wages.sbp, wages.age)", "mean(wages.sbp)"],
                      [by_age, "ols(wages.sbp, wages.smoker)", "mean(wages.sbp)"]):
            cluster = self.cluster(files, start=False)
            for node in cluster.nodes:
                node.policy = {"min_rows": 10}
            cluster.start()
            cluster.wait_connected()
            creator = cluster.nodes[0]
            for one in asked:
                text, rows = one if isinstance(one, tuple) else (one, {})
                task = creator.create(plan({"x": text}, **rows))
                self.assertEqual(creator.wait_end(task), "FINISHED", (one, creator.log()[-800:]))
            # What would tell seven rows apart is refused: here age, of all rows, beside those that have sbp.
            if "ols(wages.sbp, wages.age)" in asked:
                task = creator.create(plan({"x": "mean(wages.age)"}))
                self.assertEqual(creator.wait_end(task), "ERROR")
                cluster.nodes[2].wait_log("fewer than 10 values of `age` in wages.csv changed")

    def test_twenty_questions(self):
        for seed in range(2):
            with self.subTest(seed):
                self.ask_all(seed)


if __name__ == "__main__":
    unittest.main()
