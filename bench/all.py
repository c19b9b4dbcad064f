#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench all [--quick] [--report] [--only NAME]...: every benchmark, one after the other.

JSON lines on standard output, everything else on standard error. --report keeps the run in bench/results.json, beside
the one kept before, and writes bench/RESULTS.md, a table, and bench/results.svg, a picture of it. Cases that a run
leaves out (--only) stay as they were. --write makes table and picture of what is kept, --check tells whether they are.

A `ratio` is how many times as fast as a peer we are, in the same run; a machine that others use too changes both. What
is within p10 and p90 of a value of the last run, or has it within its own, is taken for the same.
"""
import argparse
import datetime
import json
import math
import os
import pathlib
import subprocess
import sys
from html import escape

FOLDER = pathlib.Path(__file__).resolve().parent
KEPT, TABLE, PICTURE = FOLDER / "results.json", FOLDER / "RESULTS.md", FOLDER / "results.svg"

BENCHES = ["csv", "stats", "methods", "e2e", "disclosure", "sources", "learning", "mask", "protocol"]

# What is aimed at. Of a peer: this many times as fast as it; of "most": the value at most so much.
GOALS = {
    ("csv", "cold_mean_int"): {"duckdb": 3.5, "polars": 2.5},
    ("stats", "expr_int64"): {"polars": 0.7, "numpy": 4},
    ("stats", "expr_fma"): {"polars": 0.7},
    ("stats", "sum_float64_wide"): {"polars": 0.7},
    ("stats", "var_float64"): {"polars": 0.9},
    ("stats", "xtx_20"): {"numpy": 0.5},
    ("stats", "groupby_4"): {"duckdb": 2, "polars": 2},
    ("stats", "groupby_1000"): {"duckdb": 2, "polars": 2},
    ("methods", "median_float64"): {"numpy": 1, "duckdb": 1, "polars": 1},
    ("methods", "median_decimal"): {"numpy": 1, "duckdb": 1, "polars": 1},
    ("e2e", "create_to_result_3"): {"most": 10},
    ("e2e", "guarded_3"): {"most": 12},
    ("e2e", "nodes_50"): {"most": 500},
    ("e2e", "nodes_200"): {"most": 5000},
    ("e2e", "simulate_200"): {"most": 5},
    ("e2e", "idle_rss"): {"most": 8},
    ("disclosure", "ledger_10000"): {"most": 20},
    ("disclosure", "round_mean"): {"most": 2},
    ("disclosure", "round_where"): {"most": 2},
    ("disclosure", "round_many"): {"most": 2},
}


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- Running ---------------------------------------------------------------------------------------------------------


def command(name, binaries):
    """How a benchmark is run: a script of this folder, or the program of its name."""
    script = FOLDER / f"{name}.py"
    if script.exists():
        return [sys.executable, str(script), "--bin", binaries]
    return [str(pathlib.Path(binaries) / "bench" / f"bench_{name}")]


def run(name, binaries, is_quick):
    """The lines of a benchmark, passed on as they come, and whether it ended well."""
    lines = []
    words = command(name, binaries) + (["--quick"] if is_quick else [])
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        for text in process.stdout:
            print(text, end="", flush=True)
            lines.append(json.loads(text))
    if process.returncode:
        say(f"*** {name} ended with {process.returncode} ***")
    return lines, process.returncode == 0


def machine():
    def field(path, key):
        with open(path, encoding="ascii") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(key)), "unknown")

    memory = field("/proc/meminfo", "MemTotal").split()[0]
    return {"cpu": field("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "memory_gib": round(int(memory) / 2**20) if memory.isdigit() else 0,
            "load_before": round(os.getloadavg()[0], 1),
            "day": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")}


# --- What is kept ----------------------------------------------------------------------------------------------------


def case_of(line):
    return f"{line['bench']}/{line['case']}"


def keep(kept, lines, facts):
    """The kept cases with those of a run in their place; each has the run before beside it."""
    cases = dict(kept)
    for line in lines:
        before = cases.get(case_of(line))
        if before is not None:
            before = {key: value for key, value in before.items() if key != "before"}
        cases[case_of(line)] = {"line": line, "machine": facts, "before": before}
    return cases


def ratios_of(line):
    """Peers, and how many times as fast as each we are. Some lines have a ratio of two of our own cases."""
    ratios = line.get("ratio", {})
    return ratios if isinstance(ratios, dict) else {}


def goals_of(line):
    """A line's own goals are of peers, of its value (by its unit), or of another of its numbers."""
    goals = dict(line.get("goals", {}))
    if isinstance(goals.get("ratio"), dict):
        goals.update(goals.pop("ratio"))
    most = goals.pop(line["unit"].lower(), None)
    if most is not None:
        goals["most"] = most
    return {**goals, **GOALS.get((line["bench"], line["case"]), {})}


def spread(line):
    return line.get("p10", line["value"]), line.get("p90", line["value"])


def change(now, before):
    """What became of a value since the run before, in words."""
    if before is None or not before["line"]["value"]:
        return ""
    old = before["line"]
    (low, high), (old_low, old_high) = spread(now), spread(old)
    if (low <= old["value"] <= high) or (old_low <= now["value"] <= old_high):
        return "same"
    return f"{now['value'] / old['value']:.2f} times"


# --- Table -----------------------------------------------------------------------------------------------------------

HEAD = """# What the benchmarks said

Made by `./dev bench all --report` ([all.py](all.py)); what each case is, its script or program
says. A ratio is how many times as fast as a peer we are in the same run, a goal what we aim at.
p10 and p90 are of this run, and say how much the machine's other work disturbed it. Since the run
before: a value is the same where one is within the other's p10 and p90.

![How many times as fast as the best peer](results.svg)
"""


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def machine_words(facts):
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['day']}, load "
            f"{facts['load_before']} when it began")


def verdict(is_met):
    return "" if is_met else ", missed"


def rows_of(case):
    line = case["line"]
    low, high = spread(line)
    ours = f"{number(line['value'])} {line['unit']} ({number(low)} to {number(high)})"
    goals = goals_of(line)
    first = [f"`{line['case']}`", ours, change(line, case["before"])]
    of_ours = {"most": line["value"], **{key: value for key, value in line.items() if isinstance(value, (int, float))}}
    most = ", ".join(f"{'' if key == 'most' else key + ' '}at most {number(goal)}{verdict(of_ours[key] <= goal)}"
                     for key, goal in goals.items() if key in of_ours)
    ratios = ratios_of(line)
    if not ratios:
        return [first + ["", "", most]]
    rows = []
    for peer, ratio in ratios.items():
        goal = f"{number(goals[peer])}{verdict(ratio >= goals[peer])}" if peer in goals else most
        rows.append((first if not rows else ["", "", ""]) + [peer, number(ratio), goal])
    return rows


def table(cases):
    parts = [HEAD]
    for name in BENCHES:
        own = [case for case in cases.values() if case["line"]["bench"] == name]
        if not own:
            continue
        parts.append(f"## {name}\n")
        for facts in dict.fromkeys(machine_words(case["machine"]) for case in own):
            parts.append(f"{facts}.\n")
        parts.append("| case | ours (p10 to p90) | since | peer | ratio | goal |\n|---|---|---|---|---|---|\n"
                     + "".join(f"| {' | '.join(row)} |\n" for case in own for row in rows_of(case)))
    return "\n".join(parts)


# --- Picture ---------------------------------------------------------------------------------------------------------

LEFT, WIDTH, STEP, TOP = 250, 760, 20, 58
RANGE = (0.1, 30)

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #24292f } .small { font-size: 10px; fill: #57606a }
.more { fill: #1a7f5a } .less { fill: #bc6c25 } .line { stroke: #8c959f; stroke-width: 1 } .goal { stroke: #24292f; stroke-width: 2 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .back { fill: #0d1117 }
.more { fill: #3fb68b } .less { fill: #d99a5b } .goal { stroke: #e6edf3 } }
</style>"""


def place(ratio):
    """Where a ratio is, in pixels from the left."""
    low, high = (math.log(bound) for bound in RANGE)
    at = (math.log(min(max(ratio, RANGE[0]), RANGE[1])) - low) / (high - low)
    return LEFT + at * (WIDTH - LEFT - 60)


def rivals_of(line):
    """Without `plain`, which is what memory allows."""
    return {peer: ratio for peer, ratio in ratios_of(line).items() if peer != "plain"}


def bar(at, line):
    """A case beside the peer that is best at it."""
    peer, ratio = min(rivals_of(line).items(), key=lambda pair: pair[1])
    goal = goals_of(line).get(peer)
    begin, end = sorted((place(1), place(ratio)))
    y = TOP + at * STEP
    parts = [f'<text x="{LEFT - 12}" y="{y + 12}" text-anchor="end">{escape(line["case"])} <tspan class="small">'
             f'{escape(peer)}</tspan></text>',
             f'<rect class="{"more" if ratio >= 1 else "less"}" x="{begin:.1f}" y="{y + 3}" '
             f'width="{max(end - begin, 1):.1f}" height="{STEP - 8}"/>',
             f'<text x="{max(end, place(goal or 0)) + 6:.1f}" y="{y + 12}">{number(ratio)}</text>']
    if goal is not None:
        parts.append(f'<line class="goal" x1="{place(goal):.1f}" x2="{place(goal):.1f}" y1="{y + 1}" '
                     f'y2="{y + STEP - 3}"/>')
    return "".join(parts)


def picture(cases):
    lines = [case["line"] for case in cases.values() if rivals_of(case["line"])]
    height = TOP + STEP * len(lines) + 14
    scale = []
    for ratio in (0.1, 0.3, 1, 3, 10, 30):
        x = place(ratio)
        scale.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 10}" '
                     f'stroke-opacity="{1 if ratio == 1 else 0.3}"/>'
                     f'<text class="small" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{ratio}</text>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-label="How many times as fast as the best peer">', STYLE,
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        '<text x="16" y="22" font-weight="600">How many times as fast as the best peer; ours is exact</text>',
        '<text class="small" x="16" y="38">logarithmic; a stroke is the goal</text>',
        *scale, *(bar(i, line) for i, line in enumerate(lines)), "</svg>", ""])


# --- Main ------------------------------------------------------------------------------------------------------------


def made(cases):
    return {TABLE: table(cases), PICTURE: picture(cases)}


def write(cases):
    for path, text in made(cases).items():
        path.write_text(text, encoding="utf-8")


def check(cases):
    old = [path.name for path, text in made(cases).items()
           if not path.exists() or path.read_text(encoding="utf-8") != text]
    if old:
        say(f"bench/results.json says something else than {', '.join(old)}: run bench/all.py --write")
    return 1 if old else 0


def main(words=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", action="append", choices=BENCHES)
    arguments = parser.parse_args(words)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    if arguments.check:
        return check(kept)
    if arguments.write:
        write(kept)
        return 0
    if arguments.quick and arguments.report:
        parser.error("a quick run says nothing about speed: expected --report without --quick")
    facts, ok = machine(), True
    for name in arguments.only or BENCHES:
        lines, is_right = run(name, arguments.bin, arguments.quick)
        ok = ok and is_right
        kept = keep(kept, lines, facts)
        if arguments.report:
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            write(kept)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
