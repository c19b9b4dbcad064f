# SPDX-License-Identifier: Apache-2.0
"""The notebooks run to their end; in the repository they have no outputs."""

import os
from pathlib import Path

import nbclient
import nbformat
import pytest
from test_delta import LOGIT

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def executed(name):
    return outputs_of(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4))


def outputs_of(notebook):
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


def test_the_average_wage(cluster, monkeypatch):
    creator = cluster.nodes[0]
    monkeypatch.setitem(os.environ, "SOTTO_NODE", creator.api_url)
    monkeypatch.setitem(os.environ, "SOTTO_TOKEN", creator.token)
    shown = executed("average_wage")
    assert "Warning" not in shown
    assert "mean(wages.*)" in shown
    assert "[Finish Task]" in shown
    assert shown.count("wage    4075.465") == 2
    assert "nlargest" in shown


def test_three_hospitals():
    shown = executed("three_hospitals")
    assert "Warning" not in shown
    assert "[Model] task 1 round 2 result: iteration 2, deviance" in shown
    assert "ward[heart]      0.954380  0.080131" in shown
    assert "0.671" in shown
    assert "profile safe does not admit" in shown


def test_cost_and_dropouts():
    shown = executed("cost_and_dropouts")
    assert "Warning" not in shown
    assert "party_ms" in shown
    assert "parties - masked inputs" in shown


def test_a_notebook_for_delta(cluster, monkeypatch):
    creator = cluster.nodes[0]
    monkeypatch.setitem(os.environ, "SOTTO_TOKEN", creator.token)
    cells = ["import sotto.delta", LOGIT.replace("NODE_URL", creator.api_url)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    shown = outputs_of(notebook)
    assert "confirmed by all 3 parties" in shown
    assert "0.5865803799171717 4" in shown


@pytest.mark.parametrize("notebook", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_outputs_are_kept(notebook):
    for cell in nbformat.read(notebook, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
