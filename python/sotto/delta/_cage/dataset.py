# SPDX-License-Identifier: Apache-2.0
"""delta.dataset: an owner's file or folder as a dataset of torch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Rows = Any  # has a length, and an item for each index below it


class Dataset:
    """The file or folder that a task reads at every party, by its name there."""

    def __init__(self, dataset: str, **options: Any) -> None:
        self.filename = dataset
        self.options = options


class FileDataset:
    """The rows of one file: of a table as Series of pandas, else along the first axis."""

    def __init__(self, filename: str | Path, **options: Any) -> None:
        self._rows = load_file(filename, **options)

    def __getitem__(self, index: int) -> Any:
        return self._rows.iloc[index] if hasattr(self._rows, "iloc") else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)


class DirectoryDataset:
    """The files of a folder; of folders in it (file, name of its folder) each. In their order."""

    def __init__(self, directory: str | Path, **options: Any) -> None:
        entries = sorted(Path(directory).iterdir())
        self._are_labelled = bool(entries) and all(entry.is_dir() for entry in entries)
        files = [entry for entry in entries if entry.is_file()]
        if self._are_labelled:
            files = [file for entry in entries for file in sorted(entry.iterdir())]
        elif len(files) < len(entries):
            raise ValueError(f"{directory}: expected files only, or folders of files only")
        self._files = files
        self._options = options

    def __getitem__(self, index: int) -> Any:
        file = self._files[index]
        row = load_file(file, **self._options)
        return (row, file.parent.name) if self._are_labelled else row

    def __len__(self) -> int:
        return len(self._files)


class IndexLookUpDataset:
    """Some rows of a dataset, by their indices."""

    def __init__(self, indices: Sequence[int], dataset: Rows) -> None:
        self._indices = indices
        self._dataset = dataset

    def __getitem__(self, index: int) -> Any:
        return self._dataset[self._indices[index]]

    def __len__(self) -> int:
        return len(self._indices)


def split_dataset(dataset: Rows, frac: float, seed: int = 0) -> tuple[Rows, Rows]:
    """A share of the rows, drawn by the seed, and the others."""
    if not 0 < frac < 1:
        raise ValueError(f"frac={frac}: expected more than 0 and less than 1")
    indices = list(range(len(dataset)))
    random.Random(seed).shuffle(indices)
    drawn = int(len(indices) * frac)
    return (
        IndexLookUpDataset(indices[:drawn], dataset),
        IndexLookUpDataset(indices[drawn:], dataset),
    )


def load_dataset(dataset_name: str | Path, **options: Any) -> Rows | tuple[Rows, Rows]:
    """A file's rows or a folder's; of folders `train` and `val` in it one dataset each."""
    path = Path(dataset_name)
    parts = [path / "train", path / "val"]
    if not all(part.is_dir() for part in parts):
        return _load(path, **options)
    train, validate = ([*part.iterdir()] for part in parts)
    if len(train) == len(validate) == 1:
        return FileDataset(train[0], **options), FileDataset(validate[0], **options)
    return _load(parts[0], **options), _load(parts[1], **options)


def _load(path: Path, **options: Any) -> Rows:
    return DirectoryDataset(path, **options) if path.is_dir() else FileDataset(path, **options)


def load_file(filename: str | Path, **options: Any) -> Any:
    """What a file holds, by the end of its name: arrays of .npy and .npz, tables of .csv, .tsv and
    .txt (pandas), images of others (PIL)."""
    path = Path(filename)
    if path.suffix == ".pt":
        raise ValueError(f"{path.name}: reading it would run what it holds: make a .npy of it")
    if path.suffix in {".npy", ".npz"}:
        import numpy

        found = numpy.load(path)
        return found if path.suffix == ".npy" else found["arr_0"]
    if path.suffix in {".csv", ".tsv", ".txt"}:
        import pandas

        options["sep"] = "," if path.suffix == ".csv" else r"\s+"
        return pandas.read_csv(path, **options)
    from PIL import Image

    return Image.open(path, **options)


def load_dataframe(filename: str | Path) -> Any:
    """A table."""
    table = load_file(filename)
    if not hasattr(table, "iloc"):
        raise ValueError(f"{filename}: expected a table")
    return table
