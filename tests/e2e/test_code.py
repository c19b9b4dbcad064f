# SPDX-License-Identifier: Apache-2.0
"""What an owner sees of code that others offer, and what he decides: by its digest, and shown harmlessly."""

from support import ClusterCase, main_together, make_bundle, wages

SOURCE = "class Model:\n    rate = 0.1\n    users = 'all'\n"


class Code(ClusterCase):
    def node(self, code="approved"):
        node = self.cluster([wages(1, 2), wages(3)], start=False).nodes[0]
        node.policy = {"code": code}
        return node.start()

    def offer(self, node, source=SOURCE, **manifest):
        data, digest = make_bundle({"model.py": source}, **manifest)
        self.assertEqual(node.request("POST", "/v1/code/offer", data), (200, {"digest": digest}))
        return digest

    def test_a_bundle_is_shown_and_approved(self):
        node = self.node()
        digest = self.offer(node)
        shown = node.cli("code", "show", digest).stdout
        self.assertIn(f"digest  {digest}\n", shown)
        self.assertIn("OFFERED, offered by a", shown)
        self.assertRegex(shown, r"words   ([a-z]{5}-){3}[a-z]{5}")
        self.assertIn("     2 |     rate = 0.1\n", shown)
        self.assertIn("APPROVED, 2 rounds", node.cli("code", "approve", digest).stdout)
        self.assertIn("APPROVED, 9 rounds",
                      node.cli("code", "approve", digest, "--peer", "b", "--rounds", "9").stdout)
        self.assertRegex(node.cli("code").stdout, f"APPROVED .* a +b +9  {digest}\n")
        changed = self.offer(node, SOURCE.replace("0.1", "0.2"))
        shown = node.cli("code", "show", changed).stdout
        self.assertIn(f"what changed since {digest}", shown)
        self.assertRegex(shown, r"-.*rate = 0.1\n\+.*rate = 0.2\n")
        self.assertIn("REVOKED, 0 rounds", node.cli("code", "revoke", digest).stdout)
        states = [entry["state"] for entry in node.get("/v1/code")["code"]]
        self.assertEqual(states, ["OFFERED", "REVOKED"])
        events = [(entry["event"], entry["name"]) for entry in node.get("/v1/record")["record"]]
        self.assertEqual(events, [("REJECTED", f"code {digest}")] + [("APPROVED", f"code {digest}")] * 2)

    def test_hostile_sources_are_shown_harmlessly(self):
        node = self.node()
        hostile = "# \x1b[2J\u202e\u0430 <U+0430>\nuser\u200b = 'x'" + " " * 10000 + "; steal()\n"
        shown = node.cli("code", "show", self.offer(node, hostile)).stdout
        for character in "\x1b\u202e\u0430\u200b":
            self.assertNotIn(character, shown)
        self.assertIn("<U+202E><U+0430>", shown)
        self.assertIn("steal()", shown)
        self.assertLess(max(map(len, shown.splitlines())), 140)

    def test_what_is_wrong_is_refused(self):
        node = self.node()
        digest = self.offer(node)
        data, _ = make_bundle({"model.py": SOURCE})
        for wrong in (b"", data[:-1], data + b"\n", data.replace(b'"rounds":2', b'"rounds": 2'), b"x" * 1000):
            self.assertEqual(node.request("POST", "/v1/code/offer", wrong)[0], 400)
        status, _ = node.request("POST", "/v1/code/offer", data.replace(b"0.1", b"0.3"))  # another name
        self.assertEqual(status, 200)
        self.assertEqual(node.get(f"/v1/code/one?digest={digest}")["state"], "OFFERED")
        for wrong, status in (("", 422), ("0" * 63, 422), ("x" * 64, 422), ("0" * 64, 400)):
            for path in ("one", "approve", "revoke"):
                method = "GET" if path == "one" else "POST"
                self.assertEqual(node.request(method, f"/v1/code/{path}?digest={wrong}")[0], status)
        refused = node.cli("code", "approve", digest, "--peer", "nobody", check=False)
        self.assertIn("there is no peer of this name in node.yaml: 'nobody'", refused.stderr)
        self.assertEqual(node.get(f"/v1/code/one?digest={digest}")["state"], "OFFERED")

    def test_who_denies_code_approves_none(self):
        node = self.node("deny")
        refused = node.cli("code", "approve", self.offer(node), check=False)
        self.assertIn("policy.code is deny", refused.stderr)
        self.assertEqual(node.get("/v1/code")["code"][0]["state"], "OFFERED")


if __name__ == "__main__":
    main_together()
