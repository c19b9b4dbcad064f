# SPDX-License-Identifier: Apache-2.0
"""What the three companies hold: the rows of each, and all together as pandas reads them."""

import io
from pathlib import Path

import pandas

# int64, decimals, doubles, booleans, a column that is missing everywhere; no column of text.
NUMBERS = [
    """age,wage,bonus,hours,smokes,nothing
31,5549.44,1.5e2,40,True,
45,,2.25e-3,38,False,
28,4100.10,,-35,False,
""",
    """age,wage,bonus,hours,smokes,nothing
52,7200.25,-3.5e1,40,True,
39,6100.5,1e-2,0,False,
28,NA,2.5e2,20,True,
61,9007199254740.99,4e0,41,False,
""",
    """age,wage,bonus,hours,smokes,nothing
19,3200,1.25e2,12,False,
33,5100.75,,7,True,
""",
]

STAFF = [
    "name,dept,level,wage\nAnn,R&D,1,5549.44\nBob,Sales,2,\nCec,R&D,2,4100.10\nDee,,1,100\n",
    "name,dept,level,wage\nEve,Sales,1,7200.25\nFay,Ops,3,6100.5\nGus,R&D,2,8000\n",
    "name,dept,level,wage\nHal,R&D,1,3200\nIda,Ops,1,5100.75\nJon,Sales,,4500.5\n",
]

WAGES = [
    "wage\n5549.44\n4000\n",
    "wage\n7200.25\n1500\n",
    "wage\n3\n6200.1\n",
]

_VECTORS = Path(__file__).resolve().parents[2] / "tests" / "vectors"
_HEADER, *_ROWS = (_VECTORS / "models" / "spector.csv").read_text().splitlines()
SPECTOR = ["\n".join([_HEADER, *_ROWS[i::3], ""]) for i in range(3)]

_FILES = {"numbers.csv": NUMBERS, "staff.csv": STAFF, "wages.csv": WAGES, "spector.csv": SPECTOR}


def header_and_rows(name: str, company: int) -> str:
    """A company's own file."""
    return _FILES[name][company]


def pooled(name: str) -> pandas.DataFrame:
    """What nobody could do in earnest: the rows of all companies in one frame."""
    first, *others = _FILES[name]
    return pandas.read_csv(io.StringIO(first + "".join(o.split("\n", 1)[1] for o in others)))


# Of 32 rows in all, so under profile: open. f is 50 digits' value rounded; of the coefficients the
# last digit may be another.
SPECTOR_BY_DELTA = [
    0.29933592277495014,
    -0.10147248179221835,
    1.6363573902308648,
    0.5865803799171717,
    4,
]

# What a fitted model tells of all its coefficients together.
NUMBERS_OF_A_FIT = (
    "deviance",
    "deviance_before",
    "null_deviance",
    "log_likelihood",
    "aic",
    "dispersion",
    "iterations",
    "decrement",
    "condition",
    "count",
    "df",
)
