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
    weights = {name: tensor.clone() for name, tensor in runners[0].tensors().items()}
    for _ in range(int(sys.argv[3])):
        trained = [runner.train(weights, False, True) for runner in runners]
        total = sum(rows for rows, _ in trained)
        weights = {
            name: (sum(rows * part[name].double() for rows, part in trained) / total).to(old.dtype)
            for name, old in weights.items()
        }
    validated = [runner.train(weights, True, False)[1] for runner in runners]
    print(float(sum(part[_runner.METRIC + "accuracy"] for part in validated)) / len(validated))


if __name__ == "__main__":
    main()
