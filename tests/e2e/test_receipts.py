# SPDX-License-Identifier: Apache-2.0
"""Receipts of real nodes, before two verifiers: Sotto's, and one that knows PROTOCOL.md only
(receipts.py). Both take the same receipts, and refuse the same."""

import ctypes
import json
import random
import sqlite3
import unittest

import receipts
from hostile import _sodium
from support import ClusterCase, cases, plan

FILES = {"wages.csv": "wage\n" + "".join(f"{i}.5\n" for i in range(100, 112))}


def key_of(node):
    return bytes.fromhex(node.key)


def sign_again(data, node):
    """The receipt with these bytes, as its creator can sign them."""
    seed = bytes.fromhex((node.folder / "node.key").read_text().split()[-1])
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
    _sodium.crypto_sign_seed_keypair(public, secret, seed)
    signature = ctypes.create_string_buffer(64)
    _sodium.crypto_sign_detached(signature, None, receipts.signed("sotto receipt", data[:-64]),
                                 ctypes.c_ulonglong(64), secret)
    return data[:-64] + signature.raw


class Receipts(ClusterCase):
    def ask(self, cluster, outputs, **more):
        creator = cluster.nodes[0]
        task = creator.create(plan(outputs, results="participants", max_clients=len(cluster.nodes),
                                   **more))
        state = creator.wait_end(task)
        path = creator.folder / f"{task}.sotto"
        creator.cli("receipt", str(task), "--out", str(path))
        return state, task, path.read_bytes()

    def test_a_receipt_that_does_not_fit(self):
        """The task ends all the same, and says which receipt it lacks."""
        cluster = self.cluster([FILES] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"transcripts": "keep"}
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        database = sqlite3.connect(next((creator.folder / "state").glob("*.db")))
        for when, lacks, found in (("WHEN NEW.full_bytes IS NOT NULL", "full receipt", [200, 400]),
                                   ("", "receipt", [400, 400])):
            database.execute(f"CREATE TRIGGER no_room BEFORE INSERT ON receipts {when} BEGIN"
                             " SELECT RAISE(ABORT, 'no room'); END")
            task = creator.create(plan(results="participants"))
            self.assertEqual(creator.wait_end(task), "CONFIRMED", creator.messages(task))
            status = creator.get(f"/v1/task/status?task_id={task}")
            self.assertIn(f"confirmed by all 3 parties; its {lacks} can't be stored: ",
                          status["confirmation"])
            self.assertIn("no room", status["confirmation"])
            self.assertEqual([creator.request(
                "GET", f"/v1/task/receipt?task_id={task}&full={full}")[0] for full in (0, 1)], found)
            database.execute("DROP TRIGGER no_room")
        database.close()

    def test_the_file_is_written_whole(self):
        cluster = self.cluster([FILES] * 3)
        _, task, receipt = self.ask(cluster, {"m": "mean(wage)"})
        creator = cluster.nodes[0]
        path = creator.folder / f"{task}.sotto"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        done = creator.cli("receipt", str(task), "--out", "/dev/full", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/dev/full", done.stderr)
        path.with_suffix(".sotto.new").mkdir()  # what is there stays
        self.assertNotEqual(creator.cli("receipt", str(task), "--out", str(path),
                                        check=False).returncode, 0)
        self.assertEqual(path.read_bytes(), receipt)

    def sotto_says(self, node, data):
        """Whether Sotto's verifier takes it."""
        path = node.folder / "shown.sotto"
        path.write_bytes(data)
        return node.cli("verify", str(path), "--peers", str(node.folder / "node.yaml"),
                        check=False)

    def other_says(self, data, known):
        try:
            return receipts.verify(data, known)
        except receipts.Wrong:
            return None

    def test_both_verifiers_agree(self):
        cluster = self.cluster([FILES] * 4, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        cluster.start()
        creator, reader = cluster.nodes[0], cluster.nodes[2]
        known = {key_of(node) for node in cluster.nodes}
        state, task, data = self.ask(cluster, {"v": "var(wages.wage)",
                                               "w": "mean((wages.wage - mean(wages.wage)) ** 2)"})
        self.assertEqual(state, "CONFIRMED", creator.messages(task))
        asked, result, living, confirmed = receipts.verify(data, known)
        self.assertEqual(asked["results"], "participants")
        self.assertEqual(result, creator.result(task))
        self.assertEqual(set(living), known)
        self.assertEqual(set(confirmed), known)
        self.assertEqual(self.sotto_says(reader, data).returncode, 0)
        # An unknown party is refused by both.
        self.assertIsNone(self.other_says(data, known - {key_of(cluster.nodes[3])}))
        # Whatever byte the creator changes, and signs, both say no.
        draws = random.Random(7)
        for _ in range(cases(40)):
            at = draws.randrange(len(data) - 64)
            changed = bytearray(data)
            changed[at] ^= 1 << draws.randrange(8)
            changed = sign_again(bytes(changed), creator)
            self.assertIsNone(self.other_says(changed, known), at)
            self.assertEqual(self.sotto_says(reader, changed).returncode, 1, at)
        # One confirmation less is one less, for both.
        fewer = data[:-64 - 4 * 68 - 4] + b"\3\0\0\0" + data[-64 - 3 * 68:]
        fewer = sign_again(fewer, creator)
        self.assertEqual(len(receipts.verify(fewer, known)[3]), 3)
        self.assertIn("confirmed by 3 of 4", self.sotto_says(reader, fewer).stdout)
        # Who confirms nothing but its own task proves nothing.
        own = -64 - (4 - living.index(key_of(creator))) * 68
        alone = sign_again(data[:-64 - 4 * 68 - 4] + b"\1\0\0\0" + data[own:own + 68] + bytes(64), creator)
        self.assertEqual(receipts.verify(alone, known)[3], [key_of(creator)])
        done = self.sotto_says(reader, alone)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("Nobody confirmed it but who ran the task", done.stdout)

    def test_a_result_that_would_hide_what_follows(self):
        """A creator may write any result into a receipt that nobody confirms: it commands no terminal."""
        cluster = self.cluster([FILES] * 3)
        creator = cluster.nodes[0]
        _, _, data = self.ask(cluster, {"m": "mean(wages.wage)"})
        reader = receipts.Reader(data)
        reader.bytes(56)
        reader.blob(), reader.blob()
        at = reader.at
        text = reader.blob()
        hidden = "\x1b[8m"
        for output in ({"value": None, "special": hidden}, {"values": [{"value": None, "special": hidden}]},
                       {"value": 1, "exact": hidden}, {"fields": {hidden: {"value": 1}}, "status": hidden}):
            lie = json.loads(text)
            lie["outputs"] = {"m": output, hidden: {"value": 1}}
            lie["warnings"] = lie["parties"]["names"] = [hidden]
            lie["groups"] = {"labels": [[hidden]], "withheld": [1]}
            changed = json.dumps(lie).encode()
            changed = (data[:at] + len(changed).to_bytes(4, "little") + changed +
                       data[reader.at:-64 - 3 * 68 - 4] + bytes(4 + 64))
            done = self.sotto_says(creator, sign_again(changed, creator))
            self.assertEqual(done.returncode, 1)
            self.assertIn("not confirmed by a, b, c", done.stdout)
            self.assertNotIn("\x1b", done.stdout + done.stderr, output)

    def test_full_receipts(self):
        cluster = self.cluster([FILES] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"transcripts": "keep"}
        cluster.start()
        creator, reader = cluster.nodes[0], cluster.nodes[1]
        known = {key_of(node) for node in cluster.nodes}
        _, task, light = self.ask(cluster, {"m": "mean(wages.wage)"})
        path = creator.folder / "full.sotto"
        creator.cli("receipt", str(task), "--out", str(path), "--full")
        data = path.read_bytes()
        self.assertGreater(len(data), len(light))
        self.assertEqual(receipts.verify(data, known), receipts.verify(light, known))
        self.assertIn("All sums were computed again here", self.sotto_says(reader, data).stdout)
        changed = bytearray(data)
        changed[-100] ^= 1  # in what opens the sum
        done = self.sotto_says(reader, sign_again(bytes(changed), creator))
        self.assertEqual(done.returncode, 1)
        self.assertIn("the transcript", done.stderr)
        # One owner that does not let it be kept is enough.
        reader.policy = {}
        reader.configure()
        reader.cli("reload")
        _, task, _ = self.ask(cluster, {"m": "mean(wages.wage)"})
        done = creator.cli("receipt", str(task), "--full", check=False)
        self.assertIn("policy.transcripts", done.stderr)

    def test_a_party_that_was_lost(self):
        cluster = self.cluster([FILES] * 4, env={3: {"SOTTO_TEST_STOP_AT": "partial"}})
        creator = cluster.nodes[0]
        known = {key_of(node) for node in cluster.nodes}
        _, task, data = self.ask(cluster, {"m": "mean(wages.wage)"}, wait=3, connection=3)
        _, _, living, confirmed = receipts.verify(data, known)
        self.assertEqual(set(living), known - {key_of(cluster.nodes[3])})
        self.assertEqual(set(confirmed), set(living))
        self.assertEqual(creator.get(f"/v1/task/status?task_id={task}")["status"], "CONFIRMED")


if __name__ == "__main__":
    unittest.main()
