# SPDX-License-Identifier: Apache-2.0
"""delta.dataset."""

from ..dataset import DataFrame
from ._cage.dataset import Dataset, load_dataframe, load_dataset, load_file, split_dataset

__all__ = [
    "DataFrame",
    "Dataset",
    "load_dataframe",
    "load_dataset",
    "load_file",
    "split_dataset",
]
