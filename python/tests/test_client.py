# SPDX-License-Identifier: Apache-2.0
"""The client against three real nodes."""

import asyncio
import json
import pathlib
import re
import subprocess

import httpx
import pandas
import pytest
import support
from companies import pooled

import sotto
from sotto._progress import Progress
from sotto.errors import (
    AccessDenied,
    NodeError,
    NodeUnreachable,
    PlanRefused,
    SottoWarning,
    TaskFailed,
    TaskNotFinished,
    TaskNotFound,
)


class WageAvg(sotto.HorizontalAnalytics):
    def __init__(self, **options):
        options = {"min_clients": 3, "max_clients": 3, "wait_timeout": 20} | options
        super().__init__(name="wage_avg", connection_timeout=20, **options)

    def dataset(self):
        return {"wages": sotto.dataset.DataFrame("wages.csv")}

    def execute(self, wages):
        return wages.mean()


def check_average(found):
    pandas.testing.assert_series_equal(found, pooled("wages.csv").mean(), check_exact=True)


def test_the_average_wage(cautious_cluster, capsys):
    creator = cautious_cluster.nodes[0]
    node = sotto.DeltaNode(creator.api_url, creator.token)
    task_id = node.create_task(WageAvg().build())
    assert isinstance(task_id, int)
    assert node.trace(task_id) is True
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \[", line) for line in lines)
    assert lines[0].endswith(f"[Create Task] create task {task_id}")
    assert lines[-1].endswith(f"[Finish Task] task {task_id} finished")
    check_average(node.get_result(task_id))
    assert str(node.get_result(task_id)) == "wage    4075.465\ndtype: float64"
    assert str(node.get_result(task_id, exact=True)["wage"]) == "815093/200"


def test_what_nodes_publish(node):
    found = node.datasets()
    assert list(found["node"]) == ["a", "a", "b", "b", "c", "c"]
    assert found.attrs["missing"] == []
    staff = node.datasets("staff.csv").iloc[2].dropna()
    assert dict(staff) == {
        "node": "c",
        "dataset": "staff.csv",
        "rows": 100,
        "column": "wage",
        "type": "decimal",
        "unit": "EUR",
    }
    assert node.datasets("none.csv").empty


def test_waiting_says_nothing(node, capsys):
    task_id = node.create_task(WageAvg())
    assert node.wait(task_id) is True
    assert capsys.readouterr() == ("", "")
    assert node.wait(task_id, progress=True) is True
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"task {task_id}" in shown.err
    assert "end round" in shown.err
    assert "finished" in shown.err


def test_waiting_says_that_a_node_was_restarted():
    bar = Progress(7, shown=False)
    bar.take([(0, "[Start Round] task 7 round 1 start"), (1, "the node was restarted")])
    with pytest.warns(SottoWarning, match="task 7: the node was restarted"):
        bar.end(False)


def test_tasks_and_nodes_are_frames(node):
    task_id = node.create_task(WageAvg().build())
    node.wait(task_id)
    tasks = node.tasks(page_size=5)
    assert tasks.loc[task_id, "name"] == "wage_avg"
    assert tasks.loc[task_id, "status"] == "FINISHED"
    assert abs(pandas.Timestamp.now("UTC") - tasks.loc[task_id, "created_at"]).total_seconds() < 600
    nodes = node.nodes()
    assert list(nodes["name"]) == ["a", "b", "c"]
    assert nodes["connected"].all()


def test_a_result_before_the_end(cluster, node):
    cluster.nodes[2].stop()
    try:
        task_id = node.create_task(WageAvg().build())
        with pytest.raises(TaskNotFinished, match=rf"trace\({task_id}\)"):
            node.get_result(task_id)
        node.cancel(task_id)
        with pytest.warns(SottoWarning, match="cancel"):
            assert node.wait(task_id) is False
        with pytest.raises(TaskFailed, match="CANCELLED"):
            node.get_result(task_id)
        with pytest.raises(NodeError, match="400"):
            node.cancel(task_id)
    finally:
        cluster.nodes[2].start()
        cluster.nodes[2].wait_log("connected to ")


def test_a_failed_task_tells_why(cluster, node, capsys):
    plan = dict(WageAvg().build().plan)
    # Its creator has the file, the others have no such column.
    extra = cluster.nodes[0].data / "wages.csv"
    before = extra.read_text()
    extra.write_text("wage,own\n1,2\n3,4\n")
    try:
        plan["select"] = {"result": "mean(wages.own)"}
        task_id = node.create_task(plan)
        assert node.trace(task_id) is False
        log = capsys.readouterr().out
        assert "not_found" in log
        with pytest.warns(SottoWarning, match=f"task {task_id}: .*declined: .*not_found"):
            assert node.wait(task_id) is False
        with pytest.raises(TaskFailed, match="ERROR"):
            node.get_result(task_id)
    finally:
        extra.write_text(before)


def test_a_fit_goes_on_where_another_failed(node):
    plan = dict(WageAvg().build().plan)
    plan["datasets"] = {"n": "numbers.csv"}
    plan["select"] = {"f": "glm(age > 35, age, family=binomial)"}  # no coefficients are the best
    task_id = node.create_task(plan)
    with pytest.warns(SottoWarning, match="separation"):
        assert node.wait(task_id) is False
    with pytest.raises(TaskFailed, match="separation") as failed:
        node.get_result(task_id)
    [reached] = failed.value.reached
    assert reached["names"] == ["const", "age"]
    again = node.create_task(start_from=task_id)
    assert node.wait(again) is False
    with pytest.raises(TaskFailed, match="separation") as failed_again:
        node.get_result(again)
    [reached_again] = failed_again.value.reached
    assert "start=(" in reached_again["call"]
    assert reached_again["coefficients"] == reached["coefficients"]
    with pytest.raises(PlanRefused, match="no output"):
        node.create_task(WageAvg(), start_from=task_id)
    with pytest.raises(TypeError, match="start_from"):
        node.create_task()


def test_a_receipt(node):
    class Shown(WageAvg):
        def __init__(self):
            super().__init__()
            self.showing = {"results": "participants"}

    task_id = node.create_task(Shown().build())
    assert node.wait(task_id) is True
    assert node.tasks().loc[task_id, "status"] == "CONFIRMED"
    receipt = node.get_receipt(task_id)
    assert receipt.startswith(b"SOTR")
    told = node.create_task(WageAvg().build())
    assert node.wait(told) is True
    with pytest.raises(NodeError, match="has no receipt"):
        node.get_receipt(told)


def test_what_the_node_refuses(node):
    plan = dict(WageAvg().build().plan)
    with pytest.raises(PlanRefused, match='no column "wag"'):
        node.create_task({**plan, "select": {"m": "mean(wages.wag)"}})
    for call in (node.trace, node.wait, node.get_result, node.cancel):
        with pytest.raises(TaskNotFound, match="does not exist"):
            call(999_999)


def test_the_token(cluster, monkeypatch):
    creator = cluster.nodes[0]
    monkeypatch.setenv("SOTTO_TOKEN", creator.token + "\n")
    with sotto.DeltaNode(creator.api_url + "/") as node:
        node.nodes()
    monkeypatch.delenv("SOTTO_TOKEN")
    for token in (None, "wrong"):
        with (
            sotto.DeltaNode(creator.api_url, token) as node,
            pytest.raises(AccessDenied, match="SOTTO_TOKEN"),
        ):
            node.nodes()
    config = str(creator.folder / "node.yaml")
    reader = support.run("token", "new", "reader", "--role", "read", "--config", config).stdout
    with sotto.DeltaNode(creator.api_url, reader) as node:
        node.tasks()
        with pytest.raises(AccessDenied, match="role is read"):
            node.create_task(dict(WageAvg().build().plan))


def test_a_token_does_not_travel_in_the_clear(monkeypatch):
    monkeypatch.delenv("SOTTO_TOKEN", raising=False)
    for url in ("http://node.example:6700", "http://127.0.0.1@node.example", "http://10.0.0.1"):
        with pytest.raises(sotto.PlanError, match="in the clear"):
            sotto.DeltaNode(url, "secret")
        with pytest.raises(sotto.PlanError, match="in the clear"):
            sotto.AsyncDeltaNode(url, "secret")
    monkeypatch.setenv("SOTTO_TOKEN", "secret")
    with pytest.raises(sotto.PlanError, match="in the clear"):
        sotto.DeltaNode("http://node.example")
    for url in (
        "https://node.example",
        "http://localhost",
        "http://127.1.2.3",
        "http://[::1]:6700",
    ):
        sotto.DeltaNode(url)


def test_a_certificate_that_is_not_known(tmp_path, monkeypatch):
    port = support.free_port("0.0.0.0")
    support.run("init", "acorn", "--api", f"acorn.example:{port}", cwd=tmp_path)
    daemon = subprocess.Popen([support.SOTTO, "node"], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        daemon.stdout.readline()
        url, token = f"https://localhost:{port}", (tmp_path / "token").read_text().strip()
        monkeypatch.delenv("SOTTO_CA", raising=False)
        with pytest.raises(NodeUnreachable, match=r"not known here .* SOTTO_CA"):
            sotto.DeltaNode(url, token).nodes()
        assert len(sotto.DeltaNode(url, token, verify=str(tmp_path / "api.pem")).nodes()) == 1
        with pytest.raises(sotto.PlanError, match="expected a file of certificates"):
            sotto.DeltaNode(url, token, verify=tmp_path / "api.key")
        monkeypatch.setenv("SOTTO_CA", str(tmp_path / "api.pem"))
        assert len(sotto.DeltaNode(url, token).nodes()) == 1
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stdout.close()


def test_nobody_there():
    with pytest.raises(NodeUnreachable, match="is the node running"):
        sotto.DeltaNode("http://127.0.0.1:9").tasks()
    with pytest.raises(sotto.PlanError, match="http"):
        sotto.DeltaNode("127.0.0.1:6700")


def test_a_proxy_is_not_asked_for_this_machine(cluster, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    creator = cluster.nodes[0]
    assert len(sotto.DeltaNode(creator.api_url, creator.token).nodes()) == 3


def test_an_answer_that_is_none(monkeypatch):
    node = sotto.DeltaNode("http://node.example", "")
    node._http = httpx.Client(
        base_url=node.url,
        transport=httpx.MockTransport(lambda request: httpx.Response(200, text="<html>")),
    )
    with pytest.raises(NodeError, match="no JSON"):
        node.tasks()


def test_the_asynchronous_twin(cluster, capsys):
    async def both():
        creator = cluster.nodes[0]
        async with sotto.AsyncDeltaNode(creator.api_url, creator.token) as node:
            ids = [await node.create_task(WageAvg()) for _ in range(2)]
            ends = await asyncio.gather(node.trace(ids[0]), node.wait(ids[1]))
            results = [await node.get_result(task_id) for task_id in ids]
            with pytest.raises(TaskNotFound):
                await node.get_result(999_999)
            assert len(await node.tasks()) >= 2
            return ends, results

    ends, results = asyncio.run(both())
    assert ends == [True, True]
    for result in results:
        check_average(result)
    assert "[Finish Task]" in capsys.readouterr().out


def test_a_plan_is_the_only_thing_sent(cluster):
    sent = []
    creator = cluster.nodes[0]
    node = sotto.DeltaNode(creator.api_url, creator.token)
    node._http.event_hooks = {"request": [sent.append]}
    task = WageAvg().build()
    task_id = node.create_task(task)
    node.wait(task_id)
    node.get_result(task_id)
    bodies = [request.content for request in sent if request.content]
    assert [json.loads(body) for body in bodies] == [task.plan]


def test_there_is_no_pickle():
    """And no code from elsewhere runs, but a bundle's in the cage, which _runner.py is for."""
    package = pathlib.Path(sotto.__file__).parent
    for source in package.rglob("*.py"):
        running = r"(?<!def )\beval\(|\bexec\(" if source.name != "_runner.py" else r"\beval\("
        assert not re.search(rf"pickle|marshal|{running}", source.read_text()), source


def test_a_task_with_code_in_it_is_refused(cluster, node):
    plan = WageAvg().build().plan
    with pytest.raises(PlanRefused, match="code"):
        node.create_task({**plan, "code": "import os; os.system('true')"})
    with pytest.raises(PlanRefused, match="__import__"):
        node.create_task({**plan, "select": {"x": "__import__('os').system('true')"}})
    with pytest.raises(TypeError, match="never sent"):
        node.create_task(lambda wages: wages.mean())
    with pytest.raises(sotto.PlanError, match="a plan is data"):
        node.create_task({**plan, "execute": lambda wages: wages.mean()})
    # As Delta uploads a task: two files of pickled objects.
    creator = cluster.nodes[0]
    pickled = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."
    answer = httpx.post(
        creator.api_url + "/v1/task",
        headers={"Authorization": f"Bearer {creator.token}"},
        files={"file": ("task_file.pkl", pickled), "config": ("config.pkl", pickled)},
    )
    assert answer.status_code == 400


def test_reprs(node):
    assert repr(node).startswith("DeltaNode('http://127.0.0.1:")
    assert "token" not in repr(node)


def test_progress_says_how_far_models_are():
    with Progress(1, True) as bar:
        bar.take([(0.0, "[Start Round] task 1 round 1 start")])
        bar.take([(0.0, "[Join] task 1 round 1 waits for b; away: c")])
        assert bar._bar.postfix == "waits for b; away: c"
        bar.take([(0.0, "[Model] task 1 round 1 f: iteration 1, deviance 41.18")])
        bar.take([(0.0, "[Select Candidates] task 1 round 2 select candidates [a, b, c]")])
        assert bar._bar.postfix == "select candidates  f: iteration 1, deviance 41.18"
