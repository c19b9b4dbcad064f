# SPDX-License-Identifier: Apache-2.0
"""delta.dataset."""

from ..dataset import DataFrame
from ._missing import LEARNING, refusing, stand_in

Dataset = stand_in("delta.dataset.Dataset", LEARNING)
_FILES = "read your own file with pandas; a node reads its own by itself"
load_dataframe = refusing("delta.dataset.load_dataframe", _FILES)
load_dataset = refusing("delta.dataset.load_dataset", LEARNING)
load_file = refusing("delta.dataset.load_file", _FILES)
split_dataset = refusing("delta.dataset.split_dataset", LEARNING)

__all__ = [
    "DataFrame",
    "Dataset",
    "load_dataframe",
    "load_dataset",
    "load_file",
    "split_dataset",
]
