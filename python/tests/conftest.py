# SPDX-License-Identifier: Apache-2.0
"""Three companies with a node each, started once for all tests."""

import os
import sys
from pathlib import Path

import pytest

import sotto

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
os.environ.setdefault("SOTTO_BINARY", str(ROOT / "build" / "dev" / "node" / "sotto"))

import support  # noqa: E402  (reads SOTTO_BINARY)
from companies import header_and_rows  # noqa: E402
from skip import record  # noqa: E402


def pytest_runtest_logreport(report):
    """A test that is skipped, for whatever reason, is listed by ./dev, and fails where CI=true."""
    if report.skipped and record(report.nodeid, str(report.longrepr[2])) != 77:
        report.outcome = "failed"


def started_cluster(policy):
    names = ("numbers.csv", "staff.csv", "wages.csv", "spector.csv")
    files = [{name: header_and_rows(name, company) for name in names} for company in range(3)]
    cluster = support.Cluster(files)
    for node in cluster.nodes:
        node.policy = policy
    try:
        cluster.start()
        cluster.wait_connected()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def cluster():
    """The nodes a, b and c; a creates tasks. Their owners take any expression of any rows."""
    about = {"dataset": "staff.csv", "rows": 100, "columns": [{"column": "wage", "unit": "EUR"}]}
    yield from started_cluster(
        {"profile": "open", "cover": "false", "publish": [{"dataset": "wages.csv"}, about]}
    )


@pytest.fixture(scope="session")
def cautious_cluster():
    """The same with the policy that a node has by default."""
    yield from started_cluster({})


@pytest.fixture
def node(cluster):
    """A client of the node that creates tasks."""
    creator = cluster.nodes[0]
    with sotto.DeltaNode(creator.api_url, creator.token) as client:
        yield client
