# SPDX-License-Identifier: Apache-2.0
"""Random plans over random splits: `simulate` over the pieces and `local` over the whole say the same, to the last bit
and digit, and it is what exact arithmetic makes of engine/PLAN.md (rows.py, aggregates.py). Counts what was asked, and
fails where too little of it was.

1,000 plans, or SOTTO_CASES times as many. A failure names its seed: SOTTO_SEED=93 asks that one alone, and prints its
table."""

import collections
import json
import math
import os
import pathlib
import random
import sys

import exact
import plans
import rows
import tables
from exact import F, Root, nearest

import engine

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

ONE_SEED = os.environ.get("SOTTO_SEED")
SEED = int(ONE_SEED or "1")
CASES = 1 if ONE_SEED else cases(300)
LEAST = 0.2  # of the plans that were answered, in each category
REFUSED_MOST = 0.3
SHOWN_MOST = 20


class Wrong(Exception):
    pass


def check_double(found, expected):
    if isinstance(expected, exact.Sum):
        expected = expected.value
    rounded = nearest(expected)
    if not math.isfinite(rounded):
        special = "NaN" if math.isnan(rounded) else "inf" if rounded > 0 else "-inf"
        if (found["value"], found.get("special")) != (None, special):
            raise Wrong(f"{found}, expected {special}")
    elif found["value"] is None or repr(float(found["value"])) != repr(rounded):
        raise Wrong(f"{found}, expected {rounded!r}")


def check_value(found, expected, output):
    """One value of the result against the reference."""
    shown = output.shown
    if expected is exact.UNKNOWN:
        return
    if shown == "boolean":
        if found["value"] is not bool(expected):
            raise Wrong(f"{found}, expected {bool(expected)}")
        return
    if shown == "integer" and not isinstance(found["value"], int):
        raise Wrong(f"{found}, expected an integer")
    check_double(found, expected)
    if isinstance(expected, F) and math.isfinite(nearest(expected)):
        if "exact" in found and F(found["exact"]) != expected:
            raise Wrong(f"{found}, expected exactly {expected}")
        if "exact" not in found and len(str(expected)) < 3000 and output.is_rounded is False:
            raise Wrong(f"{found} without {expected}")
        if "exact" in found and output.is_rounded:
            raise Wrong(f"{found} is exact, but its numbers were rounded")
    if isinstance(expected, Root) and "exact" in found:
        told = F(found["exact"])
        if told * abs(told) != expected.square:
            raise Wrong(f"{found}, expected the root of {expected.square}")


def check_tree(found, expected, output):
    """Values in lists, as the reference has them."""
    if not isinstance(expected, list):
        return check_value(found, expected, output)
    if not isinstance(found, list) or len(found) != len(expected):
        raise Wrong(f"{found}, expected {len(expected)} values")
    for one, other in zip(found, expected):
        check_tree(one, other, output)


def check_fields(found, expected, output):
    """A regression."""
    for name, value in expected.items():
        field = found["fields"][name]
        check_tree(field["values"] if isinstance(value, list) else field, value, output)


def check_output(found, output, answers, has_groups):
    if output.labels and output.labels[0] and "labels" in found and found["labels"] != output.labels:
        raise Wrong(f"labels {found['labels']}, expected {output.labels}")
    is_regression = isinstance(answers[0][0], dict)
    for i, (expected, made) in enumerate(answers):
        if is_regression:
            check_fields(of_group(found, i) if has_groups else found, expected, output)
            continue
        one = found["values"][i] if has_groups else found["values"] if isinstance(expected, list) else found
        check_tree(one, expected, output)
        if made is not None and one.get("nan_made", 0) != made:
            raise Wrong(f"{one}, expected {made} NaN made")


def of_group(found, i):
    """The regression of one group: of each field what stands at its place."""
    return {"fields": {name: field["values"][i] if "labels" not in field else
                       {"values": field["values"][i]} for name, field in found["fields"].items()}}


def asked(function, *arguments):
    try:
        return function(*arguments), None
    except engine.Refused as error:
        return None, str(error)


def is_uncovered(asker, plan, texts, refusal):
    """Whether rule cover refused it for parties whose own types make no plan: these stand behind nothing."""
    alone = [asked(asker.ask, plan.json, [text])[0] for text in texts]
    return refusal.startswith("rule cover: ") and sum(answer is not None for answer in alone) < 3


def run_case(asker, seed):
    """Returns: the plan and why it was refused, or None. Raises Wrong."""
    plan = plans.random_plan(random.Random(seed))
    table = plan.table
    texts = [tables.csv_text(header, part) for header, part in zip(table.headers, table.parties)]
    whole = tables.csv_text(table.header, [row for part in table.parties for row in part])
    plan.open_len = 0
    federated, refusal = asked(asker.ask, plan.json, texts, seed)
    pooled, pooled_refusal = asked(asker.ask, plan.json, [whole])
    if federated is None and pooled is not None and is_uncovered(asker, plan, texts, refusal):
        return plan, refusal
    if (federated is None) != (pooled is None):
        raise Wrong(f"simulate: {refusal or 'answered'}; local: {pooled_refusal or 'answered'}")
    try:
        answers = plan.answers()
    except plans.Expected as reason:
        if federated is not None:
            raise Wrong(f"answered, but expected a refusal: {reason}") from None
        return plan, refusal
    if federated is None:
        if "exact values here may need more than" not in refusal and rows.Open not in answers.values():
            raise Wrong(f"refused, but expected an answer: {refusal}")
        return plan, refusal
    for key in ("outputs", "groups"):
        if federated.get(key) != pooled.get(key):
            raise Wrong(f"simulate and local differ: {federated.get(key)} and {pooled.get(key)}")
    for name, output in plan.outputs.items():
        plan.open_len += answers[name] is rows.Open
        if answers[name] is not rows.Open:
            try:
                check_output(federated["outputs"][name], output, answers[name], bool(plan.keys))
            except Wrong as error:
                raise Wrong(f"{output.text}: {error}") from None
    return plan, None


def report(seed, error):
    plan = plans.random_plan(random.Random(seed))
    print(f"seed {seed}: {error}")
    print("  " + json.dumps({key: plan.json.get(key) for key in ("select", "where", "group_by")}))
    if ONE_SEED:
        for header, part in zip(plan.table.headers, plan.table.parties):
            print(tables.csv_text(header, part))


def main():
    asker = engine.Engine(os.environ["SOTTO_ASK"])
    counts = collections.Counter()
    reasons = collections.Counter()
    wrong = []
    for seed in range(SEED, SEED + CASES):
        try:
            plan, refusal = run_case(asker, seed)
            counts["open"] += plan.open_len
        except Wrong as error:
            wrong.append(seed)
            if len(wrong) <= SHOWN_MOST:
                report(seed, error)
            continue
        counts["refused" if refusal else "answered"] += 1
        if refusal:
            reasons["".join(c for c in refusal if not c.isdigit())[:60]] += 1
        else:
            counts.update(plan.categories)
    ended = asker.close()
    answered = max(counts["answered"], 1)
    print(f"seeds {SEED} to {SEED + CASES - 1}: {counts['answered']} answered, {counts['refused']} refused, "
          f"{len(wrong)} wrong; {counts['open']} outputs that only had to agree")
    for category in plans.CATEGORIES:
        print(f"  {category:<18} {counts[category]:6} ({counts[category] / answered:.0%})")
    for reason, count in reasons.most_common(8):
        print(f"  refused {count:5}: {reason}")
    if CASES >= 200:
        few = [category for category in plans.CATEGORIES if counts[category] < LEAST * answered]
        if few or counts["refused"] > REFUSED_MOST * CASES:
            print(f"too few of {few}" if few else "too many refusals")
            return 1
    return 1 if wrong or ended else 0


if __name__ == "__main__":
    sys.exit(main())
