# SPDX-License-Identifier: Apache-2.0
"""delta.task.learning: the class that a task is made of, and how one trains at a party."""

from __future__ import annotations

from typing import Any

_SEED = 0  # all parties begin with the same weights


class LearningStrategy:
    """How tasks run: Delta's options. Those that have no meaning here are taken and ignored."""

    kind = "fedavg"

    def __init__(
        self,
        min_clients: int = 2,
        max_clients: int = 2,
        merge_epoch: int = 0,
        merge_iteration: int = 0,
        wait_timeout: float = 60,
        connection_timeout: float = 60,
        precision: int = 8,
        curve: Any = None,
        select_strategy: Any = None,
        result_strategy: Any = None,
    ) -> None:
        if (merge_epoch > 0) == (merge_iteration > 0):
            raise ValueError(
                f"merge_epoch={merge_epoch}, merge_iteration={merge_iteration}: expected one of "
                "them above 0"
            )
        self.min_clients, self.max_clients = min_clients, max_clients
        self.merge_epoch, self.merge_iteration = merge_epoch, merge_iteration
        self.wait_timeout, self.connection_timeout = wait_timeout, connection_timeout
        self.precision = precision


class FaultTolerantFedAvg(LearningStrategy):
    """The mean of the parties' weights; who is lost does not end a task where enough are left."""

    kind = "fault_tolerant_fedavg"


class FedAvg(LearningStrategy):
    """The same; who is lost after the first round ends the task."""

    def __init__(
        self,
        min_clients: int = 2,
        max_clients: int = 2,
        merge_epoch: int = 1,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(min_clients, max_clients, merge_epoch, *others, **options)


class HorizontalLearning:
    """A model that parties train: dataset, make_train_dataloader, make_validate_dataloader, train,
    validate and state_dict are a subclass's."""

    def __init__(
        self,
        name: str,
        max_rounds: int,
        validate_interval: int = 1,
        validate_frac: float = 0.2,
        strategy: LearningStrategy | None = None,
    ) -> None:
        self.name = name
        self.max_rounds = max_rounds
        self.validate_interval = validate_interval
        self.validate_frac = validate_frac
        self.strategy = strategy if strategy is not None else FaultTolerantFedAvg(merge_epoch=1)


class Training:
    """What the runner has of such a class (sotto/_runner.py). A bundle's entry names it: `of`."""

    of: type
    metrics: tuple[str, ...] = ()

    def __init__(self) -> None:
        import torch

        torch.manual_seed(_SEED)
        self._task: Any = self.of()
        self._parts: tuple[Any, Any] | None = None

    def _rows(self, data: dict[str, str]) -> tuple[Any, Any]:
        """Those to train on, and those that are kept for validation."""
        from ..dataset import load_dataset, split_dataset

        if self._parts is None:
            (path,) = data.values()
            rows = load_dataset(path, **self._task.dataset().options)
            if not isinstance(rows, tuple) and self._task.validate_interval > 0:
                validate, train = split_dataset(rows, self._task.validate_frac)
                rows = train, validate
            self._parts = rows if isinstance(rows, tuple) else (rows, None)
        return self._parts

    def make_train_dataloader(self, data: dict[str, str]) -> Any:
        return self._task.make_train_dataloader(self._rows(data)[0])

    def make_validate_dataloader(self, data: dict[str, str]) -> Any:
        return self._task.make_validate_dataloader(self._rows(data)[1])

    def train(self, batches: Any) -> None:
        self._task.train(batches)

    def validate(self, batches: Any) -> Any:
        return self._task.validate(batches)

    def state_dict(self) -> Any:
        return self._task.state_dict()
