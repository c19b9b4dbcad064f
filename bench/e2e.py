# SPDX-License-Identifier: Apache-2.0
"""./dev bench e2e: real daemons on loopback, from create to result. One JSON object per line.

create_to_result_3: milliseconds, one task at a time, of nodes that ask no ledger and confirm nothing.
guarded_3: of nodes that ask their ledgers, check the sum and confirm the result. verification_3: what
it adds to the median that all three check the sum and confirm the result. logistic_3: of a logistic
regression of 32 rows, in rounds whose sums all three check. tasks_per_s_8: with 8 tasks under way.
nodes_50, nodes_200: ms of a task of so many nodes. simulate_200: s of `sotto simulate` with 200 files.
describe_10: ms of a description of ten columns of 1,000 rows at each of three nodes, whose quartiles
take some eight rounds. idle_rss: anonymous MB of a node that waits, and after 5,000 tasks (--quick:
50). --quick leaves out what has 200 parties."""

import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

if "--bin" in sys.argv[1:-1]:  # the build folder
    folder = sys.argv[sys.argv.index("--bin") + 1]
    os.environ["SOTTO_BINARY"] = str(pathlib.Path(folder).resolve() / "node" / "sotto")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from support import Cluster, plan  # noqa: E402

COMPANIES = (1200, 640, 85)
REST_S = 12
IN_FLIGHT = 8
QUICK = "--quick" in sys.argv[1:]
ONLY = [word for word in sys.argv[1:] if word in
        ("create_to_result_3", "guarded_3", "verification_3", "logistic_3", "tasks_per_s_8",
         "nodes_50", "nodes_200", "simulate_200", "describe_10", "idle_rss")]


def payroll(rows, seed):
    """Pay in cents and its sum: a linear congruential generator, the same on every machine."""
    lines, total, count = ["name,wage"], 0, 0
    for i in range(rows):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        cents = 200_000 + (seed >> 40) % 900_000
        missing = (seed >> 33) % 50 == 0
        lines.append(f"p{i}," + ("" if missing else f"{cents // 100}.{cents % 100:02}"))
        total, count = (total, count) if missing else (total + cents, count + 1)
    return "\n".join(lines) + "\n", total, count


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def report(case, values, ok, unit="ms", **more):
    print(json.dumps({"bench": "e2e", "case": case, "value": round(quantile(values, 0.5), 3),
                      "unit": unit, "p10": round(quantile(values, 0.1), 3),
                      "p90": round(quantile(values, 0.9), 3), **more, "cpus": os.cpu_count(),
                      "ok": ok}), flush=True)
    return ok


class Companies:
    """A cluster, and the mean that its tasks have to give."""

    def __init__(self, sizes, policy=None):
        parts = [payroll(rows, seed) for seed, rows in enumerate(sizes, 1)]
        self.mean = sum(part[1] for part in parts) / (100 * sum(part[2] for part in parts))
        self.cluster = Cluster([{"wages.csv": part[0]} for part in parts])
        for node in self.cluster.nodes:
            node.policy = policy or {}
        self.len = len(sizes)

    def __enter__(self):
        self.cluster.start()
        self.cluster.wait_connected()
        self.task()  # catalogues the files
        return self

    def __exit__(self, *_):
        self.cluster.stop()

    def task(self, _=None, state="FINISHED", **more):
        """Milliseconds from POST /v1/task until the result is in hands, and whether it is right."""
        creator = self.cluster.nodes[0]
        begin = time.perf_counter()
        task = creator.create(plan(min_clients=self.len, max_clients=self.len, **more))
        ended = creator.wait_end(task)
        value = creator.result(task)["outputs"]["m"]["value"] if ended == state else None
        return 1000 * (time.perf_counter() - begin), value == self.mean

    def tasks_per_s(self, len_):
        """Tasks per second, eight at a time."""
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            begin = time.perf_counter()
            done = list(pool.map(self.task, range(len_)))
            return len_ / (time.perf_counter() - begin), all(ok for _, ok in done)


def anonymous_mb(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) / 1024


def create_to_result(companies):
    done = [companies.task() for _ in range(5 if QUICK else 50)]
    times = [ms for ms, _ in done]
    return report("create_to_result_3", times, all(ok for _, ok in done), tasks=len(times),
                  p99=round(quantile(times, 0.99), 3))


def guarded():
    """A ledger is asked where min_rows is above 0."""
    with Companies(COMPANIES, {"min_rows": 10}) as companies:
        done = [companies.task(state="CONFIRMED", results="participants")
                for _ in range(5 if QUICK else 50)]
        return report("guarded_3", [ms for ms, _ in done], all(ok for _, ok in done),
                      tasks=len(done))


VERIFICATION_MS_MAX = 5


def verification(companies):
    """Tasks of both kinds take turns, so that what else the machine does is in both."""
    times, right = ([], []), True
    for _ in range(5 if QUICK else 50):
        for i, (verify, state) in enumerate((("auto", "CONFIRMED"), (False, "FINISHED"))):
            ms, ok = companies.task(state=state, results="participants", enable_verify=verify)
            times[i].append(ms)
            right = right and ok
    confirmed, told = (quantile(one, 0.5) for one in times)
    return report("verification_3", [confirmed - told], right, confirmed=round(confirmed, 3),
                  told=round(told, 3), goals={"ms": VERIFICATION_MS_MAX})


LOGISTIC_MS_MAX = 500
SPECTOR = pathlib.Path(__file__).resolve().parent.parent / "tests" / "vectors" / "models" / "spector.csv"
COEFFICIENTS = [-13.021346858115667, 2.826112594889317, 0.095157661317909, 2.378687655093351]


def logistic():
    header, *rows = SPECTOR.read_text().splitlines()
    cluster = Cluster([{"rows.csv": "\n".join([header, *rows[i::3], ""])} for i in range(3)])
    body = plan({"f": "glm(r.grade, r.gpa, r.tuce, r.psi, family=binomial)"}, {"r": "rows.csv"})
    times, right = [], True
    for node in cluster.nodes:
        node.policy = {"profile": "open"}
    try:
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        creator.wait_end(creator.create(body))  # catalogues the files
        for _ in range(3 if QUICK else 30):
            begin = time.perf_counter()
            task = creator.create(body)
            right = creator.wait_end(task) == "FINISHED" and right
            found = creator.result(task)["outputs"]["f"]["fields"]["coefficients"]["values"]
            times.append(1000 * (time.perf_counter() - begin))
            right = right and all(abs(one["value"] - wanted) <= 1e-14 * abs(wanted)
                                  for one, wanted in zip(found, COEFFICIENTS, strict=True))
    finally:
        cluster.stop()
    return report("logistic_3", times, right, goals={"ms": LOGISTIC_MS_MAX})


def in_flight(companies):
    done = [companies.tasks_per_s(16 if QUICK else 100) for _ in range(1 if QUICK else 5)]
    return report("tasks_per_s_8", [rate for rate, _ in done], all(ok for _, ok in done), "tasks/s",
                  in_flight=IN_FLIGHT)


def many_nodes(case, nodes, tasks):
    with Companies([20 + i for i in range(nodes)]) as companies:
        done = [companies.task() for _ in range(tasks)]
        return report(case, [ms for ms, _ in done], all(ok for _, ok in done), nodes=companies.len)


def simulation():
    parts = [payroll(20 + i, i) for i in range(200)]
    mean = sum(part[1] for part in parts) / (100 * sum(part[2] for part in parts))
    times, right = [], True
    with tempfile.TemporaryDirectory(prefix="sotto-bench-") as folder:
        files = [str(pathlib.Path(folder) / f"{i}.csv") for i in range(len(parts))]
        for file, part in zip(files, parts, strict=True):
            pathlib.Path(file).write_text(part[0])
        for _ in range(3):
            begin = time.perf_counter()
            done = subprocess.run([os.environ["SOTTO_BINARY"], "simulate", *files, "--json", "--",
                                   "m=mean(wage)"], capture_output=True, check=True)
            times.append(time.perf_counter() - begin)
            right = right and json.loads(done.stdout)["outputs"]["m"]["value"] == mean
    return report("simulate_200", times, right, "s", files=len(files))


COLUMNS, ROWS = 10, 1000


def table(seed):
    """Ages, wages with a long tail, doubles and whole numbers, in turns."""
    rng = random.Random(seed)
    kinds = (lambda: str(rng.randint(18, 90)), lambda: f"{rng.lognormvariate(8, 0.5):.2f}",
             lambda: f"{rng.gauss(0, 1):.6e}", lambda: str(rng.randint(0, 30000)))
    lines = [",".join(kinds[i % len(kinds)]() for i in range(COLUMNS)) for _ in range(ROWS)]
    return "\n".join([",".join(f"c{i}" for i in range(COLUMNS)), *lines]) + "\n"


DESCRIPTION_MS_MAX = 400


def description():
    """Guarded quartiles, count, mean and std under the default policy; the first task, which
    catalogues the files, does not count."""
    cluster = Cluster([{"wages.csv": table(seed)} for seed in (1, 2, 3)])
    for node in cluster.nodes:
        node.policy = {"min_rows": 10}
    asked = plan({"d": f"describe([{', '.join(f'wages.c{i}' for i in range(COLUMNS))}])"})
    times, right = [], True
    try:
        cluster.start()
        cluster.wait_connected()
        for _ in range(2 if QUICK else 6):
            begin = time.perf_counter()
            task = cluster.nodes[0].create(asked)
            ended = cluster.nodes[0].wait_end(task)
            counts = cluster.nodes[0].result(task)["outputs"]["d"]["values"][0]
            times.append(1000 * (time.perf_counter() - begin))
            right = right and ended == "FINISHED" and all(
                count["value"] == 3 * ROWS for count in counts)
    finally:
        cluster.stop()
    return report("describe_10", times[1:], right, goals={"ms": DESCRIPTION_MS_MAX})


def idle_memory(companies):
    """Of a node that takes part and of the one that tasks are created on; the largest of all."""
    nodes = companies.cluster.nodes
    before = [anonymous_mb(node) for node in nodes]
    tasks = 50 if QUICK else 5000
    half, ok = companies.tasks_per_s(tasks // 2)[1], True
    middle = [anonymous_mb(node) for node in nodes]
    ok = companies.tasks_per_s(tasks - tasks // 2)[1] and half
    time.sleep(REST_S)  # a node without a task gives memory back
    after = [anonymous_mb(node) for node in nodes]
    return report("idle_rss", [max(before)], ok, "MB", tasks=tasks,
                  after_half=round(max(middle), 3), after=round(max(after), 3))


def main():
    ok = True
    with Companies(COMPANIES) as companies:
        for case, measure in (("create_to_result_3", create_to_result),
                              ("verification_3", verification), ("tasks_per_s_8", in_flight)):
            ok = (measure(companies) if not ONLY or case in ONLY else True) and ok
    if not ONLY or "logistic_3" in ONLY:
        ok = logistic() and ok
    if not ONLY or "guarded_3" in ONLY:
        ok = guarded() and ok
    if not ONLY or "nodes_50" in ONLY:
        ok = many_nodes("nodes_50", 10 if QUICK else 50, 1 if QUICK else 5) and ok
    if "nodes_200" in ONLY or not (ONLY or QUICK):
        ok = many_nodes("nodes_200", 200, 2) and ok
    if "simulate_200" in ONLY or not (ONLY or QUICK):
        ok = simulation() and ok
    if not ONLY or "describe_10" in ONLY:
        ok = description() and ok
    if not ONLY or "idle_rss" in ONLY:
        with Companies(COMPANIES) as companies:
            ok = idle_memory(companies) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
