# SPDX-License-Identifier: Apache-2.0
"""./dev bench e2e: from create to result, with real daemons on loopback. One JSON object per line."""

import json
import os
import pathlib
import sys
import time

if "--bin" in sys.argv[1:-1]:  # the build folder
    folder = sys.argv[sys.argv.index("--bin") + 1]
    os.environ["SOTTO_BINARY"] = str(pathlib.Path(folder).resolve() / "node" / "sotto")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from support import Cluster, plan  # noqa: E402

COMPANIES = (1200, 640, 85)


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


def report(case, values, ok, **more):
    print(json.dumps({"bench": "e2e", "case": case, "value": round(quantile(values, 0.5), 3),
                      "unit": "ms", "p10": round(quantile(values, 0.1), 3),
                      "p90": round(quantile(values, 0.9), 3), **more, "ok": ok}), flush=True)


def create_to_result(cluster, tasks, mean):
    """Milliseconds from POST /v1/task until the result is in hands, one task at a time."""
    creator = cluster.nodes[0]
    times, ok = [], True
    for i in range(tasks + 1):
        begin = time.perf_counter()
        task = creator.create(plan(name="wage_avg"))
        state = creator.wait_end(task)
        value = creator.result(task)["outputs"]["m"]["value"] if state == "FINISHED" else None
        if i > 0:  # the first connects and catalogues
            times.append(1000 * (time.perf_counter() - begin))
        ok = ok and value == mean
    return times, ok


def main():
    tasks = 5 if "--quick" in sys.argv[1:] else 50
    parts = [payroll(rows, seed) for seed, rows in enumerate(COMPANIES, 1)]
    mean = sum(part[1] for part in parts) / (100 * sum(part[2] for part in parts))
    cluster = Cluster([{"wages.csv": part[0]} for part in parts])
    try:
        cluster.start()
        times, ok = create_to_result(cluster, tasks, mean)
        report("create_to_result_3", times, ok, tasks=tasks, cpus=os.cpu_count())
    finally:
        cluster.stop()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
