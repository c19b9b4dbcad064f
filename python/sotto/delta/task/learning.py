# SPDX-License-Identifier: Apache-2.0
"""delta.task.learning."""

from __future__ import annotations

import warnings
from typing import Any

from ... import learning
from ...errors import NotSupported, SottoWarning
from .._cage.learning import FaultTolerantFedAvg, FedAvg
from .._cage.learning import HorizontalLearning as _HorizontalLearning
from .._code import find_metrics, gather
from ..dataset import Dataset
from .analytics import at_least_three

__all__ = ["FaultTolerantFedAvg", "FedAvg", "HorizontalLearning"]


class HorizontalLearning(_HorizontalLearning):
    """Delta's, of which build() makes a learning task (sotto.HorizontalLearning).

    The file of the class is what owners read and approve; until all have, the task is declined.
    Weights are averaged as Delta does, whatever the parties' rows; all parties begin with the
    weights that the class has after torch.manual_seed(0). Metrics are means over the parties, of
    the last model; `metrics` names them where validate() returns no dict that is written out.
    """

    metrics: tuple[str, ...] = ()

    def build(self) -> learning.LearningTask:
        """The task, for create_task()."""
        strategy = self.strategy
        dataset = self.dataset()  # type: ignore[attr-defined]
        if not isinstance(dataset, Dataset):
            raise NotSupported(
                f"dataset() that gives {dataset!r}: expected delta.dataset.Dataset('name')"
            )
        metrics: tuple[str, ...] = ()
        if self.validate_interval > 0:
            metrics = tuple(self.metrics) or find_metrics(type(self))
        if self.validate_interval > 0 and not metrics:
            warnings.warn(
                f"{self.name}: nothing is measured, as validate() does not show how its numbers "
                'are called: say so in the class, as metrics = ("loss", "precision")',
                SottoWarning,
                stacklevel=2,
            )
        files, entry = gather(type(self), metrics)
        least, most = at_least_three(self.name, strategy.min_clients, strategy.max_clients)
        merge = (
            {"epochs": strategy.merge_epoch}
            if strategy.merge_epoch > 0
            else {"iterations": strategy.merge_iteration}
        )
        return learning.HorizontalLearning(
            self.name,
            files,
            entry,
            [dataset.filename],
            self.max_rounds,
            weighted=False,
            validate_every=self.validate_interval if metrics else 0,
            strategy=strategy.kind,
            precision=strategy.precision,
            round_seconds=round(strategy.wait_timeout),
            min_clients=least,
            max_clients=most,
            wait_timeout=strategy.wait_timeout,
            connection_timeout=strategy.connection_timeout,
            **merge,
        ).build()


def as_learned(result: Any) -> Any:
    """The result of a learning task, weights and metrics apart; another one as it is."""
    if not isinstance(result, dict) or not isinstance(result.get("rounds"), list):
        return result
    return {"weight": result["weight"], "metrics": result["metrics"]}
