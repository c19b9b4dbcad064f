# SPDX-License-Identifier: Apache-2.0
"""The command line in a node's own folder: it finds the node and its token itself; and what a node
says of its tasks and its peers."""

import json
import os
import pathlib
import shutil
import socket

from support import ClusterCase, main_together, plan, run, wages

BARE = {"SOTTO_NODE": "", "SOTTO_TOKEN": "", "SOTTO_TOKEN_FILE": "", "SOTTO_CA": ""}


class Folder(ClusterCase):
    def start(self):
        cluster = self.cluster([wages(100, 200), wages(50, 70), wages(30)])
        cluster.wait_connected()
        for node in cluster.nodes:  # the port that it got stands there too
            node.configure()
        return cluster

    def test_the_folder_says_which_node(self):
        a, b, _ = self.start().nodes
        done = run("run", "--json", "--data", "wages=wages.csv", "--", "m=mean(wage)", cwd=a.folder,
                   env=BARE)
        self.assertEqual(json.loads(done.stdout)["outputs"]["m"]["value"], 90)
        self.assertIn("m=mean(wage)", run("list", cwd=a.folder, env=BARE).stdout)
        self.assertNotIn("FINISHED", run("list", cwd=b.folder, env=BARE).stdout)
        config = str(a.folder / "node.yaml")
        self.assertIn("FINISHED", run("list", "--config", config, cwd=b.folder, env=BARE).stdout)
        # What is said beside it goes before the folder.
        env = {**BARE, "SOTTO_NODE": a.api_url, "SOTTO_TOKEN_FILE": str(a.folder / "token")}
        self.assertIn("FINISHED", run("list", cwd=b.folder, env=env).stdout)

    def test_a_token_goes_to_its_own_node_only(self):
        a, b, _ = self.start().nodes
        done = run("list", "--node", a.api_url, cwd=b.folder, env=BARE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wants another token, or has none yet", done.stderr)
        self.assertIn("--config NODE.YAML", done.stderr)

    def test_a_token_of_the_environment_goes_to_no_folder(self):
        """It would go to whoever made the folder."""
        a, b, _ = self.start().nodes
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "127.0.0.1:%d" % listener.getsockname()[1]
            config = b.folder / "node.yaml"
            config.write_text(config.read_text().replace(b.listen, address))
            for name, value in (("SOTTO_TOKEN", a.token),
                                ("SOTTO_TOKEN_FILE", str(a.folder / "token"))):
                done = run("list", cwd=b.folder, env={**BARE, name: value}, check=False)
                self.assertEqual(done.returncode, 1)
            listener.settimeout(0)
            self.assertRaises(BlockingIOError, listener.accept)

    def test_a_folder_says_no_token_of_another_one(self):
        """Nor by a link. Who says --config has said it."""
        a, b, _ = self.start().nodes
        config = b.folder / "node.yaml"
        text = config.read_text()
        elsewhere = a.folder / "token"
        (b.folder / "link").symlink_to(elsewhere)
        for name in (str(elsewhere), "link"):
            config.write_text(text.replace("token_file: token", f"token_file: {name}"))
            done = run("list", cwd=b.folder, env=BARE, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("--config node.yaml if you trust it", done.stderr)
            done = run("list", "--config", "node.yaml", cwd=b.folder, env=BARE, check=False)
            self.assertIn("wants another token", done.stderr)

    def test_folders_that_say_nothing(self):
        a = self.start().nodes[0]
        other = a.folder.parent / "other"
        other.mkdir()
        shutil.copy(a.folder / "node.yaml", other)
        shutil.copy(a.folder / "node.key", other)
        os.chmod(other / "node.key", 0o600)
        (other / "data").mkdir()
        cases = [("node.yaml", "token", "list"), ("node.yaml", "token", "list", "--config",
                                                  str(other / "node.yaml"))]
        for _, words, *arguments in cases:  # a node that never ran has no token
            done = run(*arguments, cwd=other, env=BARE, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(words, done.stderr)
        text = pathlib.Path(other / "node.yaml").read_text()
        (other / "node.yaml").write_text(text.replace(a.listen, "127.0.0.1:0"))
        done = run("list", cwd=other, env=BARE, check=False)
        self.assertIn("any free port: say --node", done.stderr)
        (other / "node.yaml").write_text("no: node\n")
        done = run("list", cwd=other, env=BARE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("node.yaml", done.stderr)

    def test_a_node_that_nobody_can_call(self):
        """The others have no peer side: a task that is created there says so at once."""
        b = self.start().nodes[1]
        self.refuse(b, plan(), "no section `peer`")

    def test_what_a_task_asks(self):
        a = self.start().nodes[0]
        task = a.create(plan({"m": "mean(wages.wage)"}, where="wages.wage > 20"))
        self.assertEqual(a.wait_end(task), "FINISHED")
        shown = a.cli("show", str(task)).stdout
        for words in ("wage_avg", "FINISHED", "wages = wages.csv", "wages.wage > 20",
                      "m = mean(wages.wage)"):
            self.assertIn(words, shown)
        self.assertEqual(json.loads(a.cli("show", str(task), "--json").stdout),
                         a.get(f"/v1/task/plan?task_id={task}"))
        self.assertIn("does not exist", a.cli("show", "99", check=False).stderr)
        nodes = a.cli("nodes").stdout.splitlines()
        self.assertRegex(nodes[1], "^a +this node")
        self.assertRegex(nodes[2], "^b +connected")
        a.create(plan())
        self.assertEqual(len(a.cli("list").stdout.splitlines()), 3)
        self.assertEqual(len(a.cli("list", "--limit", "1").stdout.splitlines()), 2)

    def test_a_plan_before_it_is_sent(self):
        done = run("run", "--dry-run", "--data", "wages=wages.csv", "--where", "wage > 3", "--",
                   "m=mean(wage)")
        self.assertEqual(json.loads(done.stdout)["where"], "wage > 3")
        for outputs, name in ((["mean(wage)", "n=count(wage)"], "mean(wage), n=count(wage)"),
                              (["mean(`" + "\u00f6" * 99 + "`)"], "mean(`" + "\u00f6" * 25 + "...")):
            done = run("run", "--dry-run", "--data", "wages=wages.csv", "--", *outputs)
            self.assertEqual(json.loads(done.stdout)["name"], name)
        done = run("run", "--dry-run", "--data", "wages=wages.csv", "--", "m=maen(wage)",
                   check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('did you mean "mean"', done.stderr)
        self.assertEqual(run("run", "--dry-run", "--start-from", "3", check=False).returncode, 2)
        self.assertEqual(run("help", "run").stdout, run("run", "--help").stdout)


if __name__ == "__main__":
    main_together()
