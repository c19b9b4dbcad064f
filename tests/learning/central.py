# SPDX-License-Identifier: Apache-2.0
"""Federated averaging in one process and in doubles, without cages, fixed point and sums: what the
caged runners are compared with. Arguments: the runner's folder, the bundle, the number of rounds, a
folder for each party. Prints the accuracy over all parties' validation rows."""

import sys

sys.path.insert(0, sys.argv[1])
import _runner  # noqa: E402


def main():
    with open(sys.argv[2], "rb") as file:
        manifest, files = _runner.read_bundle(file.read())
    runners = [_runner.Runner(manifest, files, folder) for folder in sys.argv[4:]]
    weights = {name: tensor.clone() for name, tensor in runners[0].task.state_dict().items()}
    for _ in range(int(sys.argv[3])):
        trained = [runner.train(weights) for runner in runners]
        total = sum(rows for rows, _ in trained)
        weights = {
            name: (sum(rows * part[name].double() for rows, part in trained) / total).float()
            for name in weights
        }
    validated = [runner.validate(weights) for runner in runners]
    rows = sum(rows for rows, _ in validated)
    print(sum(rows * metrics["accuracy"] for rows, metrics in validated) / rows)


if __name__ == "__main__":
    main()
