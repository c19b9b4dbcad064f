# SPDX-License-Identifier: Apache-2.0
"""sotto init and sotto peer add: what they write, and what they refuse to."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support import SOTTO, free_port, run


class Init(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sotto-init-"))
        self.addCleanup(shutil.rmtree, self.root)

    def run_in(self, folder, *arguments, code=0):
        (self.root / folder).mkdir(exist_ok=True)
        done = subprocess.run([SOTTO, *arguments], cwd=self.root / folder, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_two_get_to_know_each_other(self):
        acorn = self.run_in("a", "init", "acorn", "--listen", "[::1]:7001", "--data", "x.csv")
        birch = self.run_in("b", "init", "birch")
        self.assertEqual(self.run_in("a", "init", "--show").stdout, acorn.stdout)
        line = acorn.stdout.strip()
        self.assertIn(",https://[::1]:7001,", line)
        self.assertLess(len(line), 140)
        added = self.run_in("b", "peer", "add", line)
        digits = acorn.stderr.rsplit(": ", 1)[1].strip()
        self.assertIn(digits, added.stdout)
        self.run_in("a", "peer", "add", birch.stdout.strip())
        yaml = (self.root / "a" / "node.yaml").read_text()
        self.assertIn("  - name: birch\n    key: ", yaml)
        self.assertIn('datasets: ["x.csv"]', yaml)
        for name in ("node.key", "cert.key"):
            self.assertEqual(os.stat(self.root / "a" / name).st_mode & 0o777, 0o600)
        self.assertEqual(sorted(os.listdir(self.root / "b")), ["data", "node.key", "node.yaml"])

    def test_where_others_find_it(self):
        """Without a port it is the one that the node listens on, not https's own."""
        for i, (address, url) in enumerate((("acorn", "acorn:6701"), ("a-1.example_x", "a-1.example_x:6701"),
                                            ("192.0.2.7", "192.0.2.7:6701"), ("[2001:db8::7]", "[2001:db8::7]:6701"),
                                            ("3.example:65535", "3.example:65535"))):
            line = self.run_in(f"n{i}", "init", "acorn", "--listen", address).stdout
            self.assertEqual(line.split(",")[3], "https://" + url)
            every = "[::]" if "[" in url else "0.0.0.0"
            self.assertIn(f'listen: "{every}:{url.rsplit(":", 1)[1]}"', (self.root / f"n{i}" / "node.yaml").read_text())
        for i, own in enumerate(("127.0.0.1:7001", "[::1]:7001")):  # where nobody else finds it
            self.run_in(f"local{i}", "init", "acorn", "--listen", own)
            self.assertIn(f'listen: "{own}"', (self.root / f"local{i}" / "node.yaml").read_text())

    def test_what_only_this_machine_calls(self):
        """However it is written, nothing listens on other interfaces; and no two on one port."""
        for i, (own, listen) in enumerate((("localhost", "127.0.0.1"), ("127.1.2.3", "127.1.2.3"),
                                           ("[::1]", "[::1]"), ("[0::0:1]", "[::1]"))):
            folder = f"own{i}"
            self.run_in(folder, "init", "birch", "--api", f"{own}:7001", "--listen", f"{own}:7002")
            text = (self.root / folder / "node.yaml").read_text()
            self.assertEqual(re.findall(r'listen: "(.*)"', text), [f"{listen}:7001", f"{listen}:7002"])
        for i, options in enumerate((("--listen", "acorn.example:6700"), ("--api", "6701", "--listen", "acorn.example"),
                                     ("--api", "a.example:07", "--listen", "b.example:7"))):
            done = self.run_in(f"same{i}", "init", "birch", *options, code=1)
            self.assertIn("expected two ports, of --api and of --listen", done.stderr)
            self.assertEqual(os.listdir(self.root / f"same{i}"), [])

    def test_two_on_one_machine(self):
        made = (("a", 6700, self.run_in("a", "init", "acorn")),
                ("b", 6800, self.run_in("b", "init", "birch", "--api", "6800")))
        for folder, port, done in made:
            self.assertIn(f"its board is at http://127.0.0.1:{port}:", done.stderr)
            self.assertIn(f'listen: "127.0.0.1:{port}"', (self.root / folder / "node.yaml").read_text())
        for port in ("", "0", "65536", "12345678901", "x", "x:0", "0.0.0.0:6700", "https://x:1"):
            done = self.run_in("c", "init", "cedar", "--api", port, code=1)
            self.assertIn(f"--api {port}: expected a port of this machine, or a host's name", done.stderr)
        self.assertEqual(os.listdir(self.root / "c"), [])

    def test_people_on_other_machines(self):
        """The API by TLS: with a copy of its certificate from anywhere, in the node's folder without."""
        port = free_port("0.0.0.0")
        done = self.run_in("a", "init", "acorn", "--api", f"acorn.example:{port}")
        self.assertIn(f"its board is at https://acorn.example:{port}:", done.stderr)
        self.assertIn("Give a copy of api.pem", done.stderr)
        self.assertEqual(os.stat(self.root / "a" / "api.key").st_mode & 0o777, 0o600)
        self.assertIn(f'listen: "0.0.0.0:{port}"', (self.root / "a" / "node.yaml").read_text())
        node = subprocess.Popen([SOTTO, "node"], cwd=self.root / "a", stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.DEVNULL)
        for clean in (node.stdout.close, node.wait, node.kill):  # the last one first
            self.addCleanup(clean)
        self.assertEqual(node.stdout.readline(), f"api https://0.0.0.0:{port}\n")
        self.assertIn("acorn, ", self.run_in("a", "status").stdout)
        token = (self.root / "a" / "token").read_text().strip()
        away = ["status", "--node", f"https://localhost:{port}"]
        (self.root / "away").mkdir()
        env = {"SOTTO_TOKEN": token}
        self.assertIn("acorn, ", run(*away, "--ca", "../a/api.pem", cwd=self.root / "away", env=env, check=False).stdout)
        refused = run(*away, cwd=self.root / "away", env=env, check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("say --ca FILE", refused.stderr)
        refused = run(*away, "--ca", "../a/node.yaml", cwd=self.root / "away", env=env, check=False)
        self.assertIn("../a/node.yaml: expected certificates (PEM)", refused.stderr)

    def test_what_is_there_stays(self):
        self.run_in("a", "init", "acorn")
        before = (self.root / "a" / "node.yaml").read_text()
        self.assertIn("not overwritten", self.run_in("a", "init", "other", code=1).stderr)
        line = self.run_in("b", "init", "birch").stdout.strip()
        self.run_in("a", "peer", "add", line)
        with_birch = (self.root / "a" / "node.yaml").read_text()
        self.assertIn("one key", self.run_in("a", "peer", "add", line, code=1).stderr)
        same_name = self.run_in("c", "init", "birch").stdout.strip()
        self.assertIn("two nodes named", self.run_in("a", "peer", "add", same_name, code=1).stderr)
        self.assertEqual((self.root / "a" / "node.yaml").read_text(), with_birch)
        with_none = [row for row in with_birch.splitlines() if not row.startswith(("  - ", "    k"))]
        self.assertEqual("\n".join(with_none).replace("\npeers:", "\npeers: []"), before.rstrip())
        self.assertFalse((self.root / "a" / "node.yaml.new").exists())
        for name in ("node.key", "cert.pem", "cert.key", "api.pem", "api.key"):
            (self.root / "d").mkdir()
            (self.root / "d" / name).write_text("there")
            made = ["init", "dove", "--listen", "dove.example", "--api", "dove.example:6700"]
            self.assertIn(f"{name}: is there already", self.run_in("d", *made, code=1).stderr)
            self.assertEqual(os.listdir(self.root / "d"), [name])
            shutil.rmtree(self.root / "d")

    def test_lists_that_people_wrote(self):
        line = self.run_in("b", "init", "birch").stdout.strip()
        cedar = self.run_in("c", "init", "cedar").stdout.strip()
        self.run_in("a", "init", "acorn")
        yaml = self.root / "a" / "node.yaml"
        base = yaml.read_text()
        for peers in ("", "peers:\n", "peers: # none yet\n"):
            text = base.replace(next(x for x in base.splitlines(True) if x.startswith("peers")), peers)
            yaml.write_text(text)
            self.run_in("a", "peer", "add", line)
            self.run_in("a", "peer", "add", cedar)
        # Entries at the left edge, as some people write lists.
        yaml.write_text(yaml.read_text().replace("\n  - name", "\n- name")
                        .replace("\n    key", "\n  key").replace("name: cedar", "name: dogwood"))
        self.assertIn("one key", self.run_in("a", "peer", "add", cedar, code=1).stderr)
        yaml.write_text(base.replace("peers: []", "peers: [{name: x, key: y}]"))
        self.assertIn("by hand", self.run_in("a", "peer", "add", line, code=1).stderr)

    def test_peers_go(self):
        """What is removed leaves all else as it was, however people wrote it."""
        birch, cedar = (self.run_in(x, "init", x).stdout.strip() for x in ("birch", "cedar"))
        self.run_in("a", "init", "acorn")
        yaml = self.root / "a" / "node.yaml"
        empty = yaml.read_text()
        self.run_in("a", "peer", "add", birch)
        with_birch = yaml.read_text()
        self.run_in("a", "peer", "add", cedar)
        done = self.run_in("a", "peer", "remove", "cedar")
        self.assertIn("sotto reload", done.stdout)
        self.assertEqual(yaml.read_text(), with_birch)
        self.assertEqual(self.run_in("a", "peer", "list").stdout.split()[0], "birch")
        self.run_in("a", "peer", "remove", "birch")
        self.assertEqual(yaml.read_text(), empty)
        self.assertEqual(self.run_in("a", "peer", "list").stdout, "")
        self.assertIn("has no peer birch", self.run_in("a", "peer", "remove", "birch", code=1).stderr)
        key = next(row for row in with_birch.splitlines() if "key: " in row).strip()
        other = self.run_in("a", "keygen", "--out", "other.key").stdout.strip()
        mine = f"# above\n- {key}\n  # within\n\n  name: 'birch'   # it\n# below\n- name: birches\n  key: {other}\n# end\n"
        yaml.write_text(empty.replace("peers: []", f"peers: # mine\n{mine}rows_memory_mb: 9"))
        self.run_in("a", "peer", "remove", "birch")
        self.assertEqual(yaml.read_text(), empty.replace(
            "peers: []", f"peers: # mine\n# above\n# below\n- name: birches\n  key: {other}\n# end\nrows_memory_mb: 9"))

    def test_a_peer_that_policy_names_stays(self):
        birch = self.run_in("b", "init", "birch").stdout.strip()
        self.run_in("a", "init", "acorn")
        yaml = self.root / "a" / "node.yaml"
        self.run_in("a", "peer", "add", birch)
        yaml.write_text(yaml.read_text().replace("  profile: safe", "  ask: [birch]\n  profile: safe"))
        before = yaml.read_text()
        self.assertIn('policy.ask: no peer is named "birch"',
                      self.run_in("a", "peer", "remove", "birch", code=1).stderr)
        self.assertEqual(yaml.read_text(), before)

    def test_another_key(self):
        """The name stays, and its place in policy; key, address and pin are those of the new line."""
        birch = self.run_in("b", "init", "birch").stdout.strip()
        other = self.run_in("c", "init", "birch", "--listen", "birch.example").stdout.strip()
        self.run_in("a", "init", "acorn")
        yaml = self.root / "a" / "node.yaml"
        self.assertIn("has no peer birch", self.run_in("a", "peer", "replace", other, code=1).stderr)
        self.run_in("a", "peer", "add", birch)
        before = yaml.read_text()
        yaml.write_text(before.replace("  profile: safe", "  ask: [birch]\n  profile: safe"))
        done = self.run_in("a", "peer", "replace", other)
        self.assertIn("If they differ, sotto peer remove birch", done.stdout)
        name, key, url = self.run_in("a", "peer", "list").stdout.split()
        self.assertEqual((name, url), ("birch", "https://birch.example:6701"))
        self.assertNotIn(key, before)
        self.assertEqual(yaml.read_text().count("key: "), 1)

    def test_texts_that_are_none(self):
        self.run_in("a", "init", "acorn")
        line = self.run_in("b", "init", "birch", "--listen", "birch.example").stdout.strip()
        magic, name, key, url, pin = line.split(",")
        before = (self.root / "a" / "node.yaml").read_text()
        for bad in ("", "sotto1", line + ",", line[:-1], f"sotto2,{name},{key},{url},{pin}",
                    f"{magic},,{key},{url},{pin}", f"{magic},{name},{key[:-1]},{url},{pin}",
                    f"{magic},a b,{key},{url},{pin}", f"{magic},x\n  - y,{key},{url},{pin}",
                    f"{magic},{name},{key},ftp://x,{pin}", f"{magic},{name},{key},http://x,{pin}",
                    f"{magic},{name},{key},https://x y,{pin}",
                    f"{magic},{name},{key},https://6701,{pin}", f"{magic},{name},{key},https://x:0,{pin}",
                    f"{magic},{name},{key},https://,{pin}", f"{magic},{name},{key},https://a@x,{pin}", f"{magic},{'n' * 65},{key},{url},{pin}",
                    f"{magic},{name},{key},https://{'x' * 400},{pin}", f"{magic},#x,{key},{url},{pin}"):
            done = self.run_in("a", "peer", "add", bad, code=1)
            self.assertIn("not the line of a node", done.stderr, bad)
        self.assertEqual((self.root / "a" / "node.yaml").read_text(), before)

    def test_usage(self):
        for bad in (["init"], ["init", "a b"], ["init", ""], ["init", "x" * 65], ["init", "a", "b"],
                    ["peer"], ["peer", "remove"], ["peer", "add"], ["peer", "list", "x"], ["peer", "drop", "x"],
                    ["init", "--show", "--listen", "x:1"]):
            self.run_in("u", *bad, code=2)
        for address in ("", ":1", "x:", "x:123456", "a b:1", "x/y:1", 'x":1', "6701", "1.2.3", "1.2.3.256:1", "x:0",
                        "x:65536", "x:1:2", "::1", "[::1", "[::1]x", "[x]:1", "0.0.0.0:1", "[::]:1", "a..b:1", "-a:1",
                        "a-:1", ".a", "a.", "a.6701", "x" * 64 + ":1", "https://a:1", "a@b:1", "\u00e9:1"):
            done = self.run_in("u", "init", "a", "--listen", address, code=1)
            self.assertIn(f"--listen {address}: expected a host's name", done.stderr)
        self.assertEqual(os.listdir(self.root / "u"), [])
        self.run_in("u", "init", "--show", code=1)
        self.run_in("u", "init", "a", "--data", "../x", code=1)
        done = self.run_in("u", "init", "a", "--data", "w.csv,x.csv", code=1)
        self.assertIn("of several files each has a --data of its own", done.stderr)
        self.assertEqual(os.listdir(self.root / "u"), [])
        (self.root / "u" / "data").mkdir()
        (self.root / "u" / "data" / "w,x.csv").write_text("a\n1\n")
        self.run_in("u", "init", "a", "--data", "w,x.csv")
        self.assertIn('datasets: ["w,x.csv"]', (self.root / "u" / "node.yaml").read_text())


if __name__ == "__main__":
    unittest.main()
