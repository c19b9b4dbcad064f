# SPDX-License-Identifier: Apache-2.0
"""Broken files: the owner's log says what and where, the aggregator learns a class."""

import os
import unittest

from support import ClusterCase, plan, wages

GOOD = wages(1, 2)


class Defects(ClusterCase):
    def broken(self, content, reason, *parts, prepare=None):
        """c's file has a defect. parts: what its owner's log tells."""
        cluster = self.cluster([GOOD, GOOD, {"wages.csv": content or "wage\n"}], start=False)
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        if prepare:
            os.unlink(owner.data / "wages.csv")
            prepare(owner.data / "wages.csv")
        cluster.start()
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        for part in ("wages.csv", f"declined ({reason})", *parts):
            owner.wait_log(part)
        log = "\n".join(creator.messages(task))
        self.assertRegex(log, rf"c .*{reason}")
        for part in ("wages.csv", *parts):
            self.assertNotIn(part, log)
            self.assertNotIn(part, creator.log())

    def test_ragged_row(self):
        self.broken("name,wage\na,1\nb\nc,3\n", "input", "wages.csv:3:", "expected 2")

    def test_unclosed_quote(self):
        self.broken('name,wage\na,1\n"b,2\n', "input", "wages.csv:3:", "quote")

    def test_stray_quote(self):
        self.broken('name,wage\na,1\nb"b,2\n', "input", "wages.csv:3:", "quote")

    def test_nul_byte(self):
        self.broken(b"name,wage\na,1\nb,\x002\n", "input", "wages.csv:3:", "NUL")

    def test_invalid_utf8(self):
        self.broken(b"name,wage\n\xff,1\n", "input", "wages.csv:2:", "UTF-8")

    def test_text_where_the_others_have_numbers(self):
        cluster = self.cluster([GOOD, GOOD, wages("much")])
        creator = cluster.nodes[0]
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        log = "\n".join(creator.messages(task))
        self.assertIn("(type)", log)
        self.assertNotIn("much", log)

    def test_missing_file(self):
        self.broken(None, "not_found", "no such file", prepare=lambda path: None)

    def test_a_directory(self):
        self.broken(None, "input", "a directory", prepare=os.mkdir)

    def test_a_fifo(self):
        self.broken(None, "input", "regular file", prepare=os.mkfifo)

    def test_a_link_that_leads_out(self):
        self.broken(None, "refused", "out of data_dir",
                    prepare=lambda path: os.symlink("/etc/passwd", path))

    def test_a_file_that_is_replaced_is_read_anew(self):
        cluster = self.cluster([GOOD, GOOD, wages(3, 4)])
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        for values, mean in (((3, 4), 13 / 6), (("5.5", 6), 17.5 / 6)):
            (owner.data / "wages.csv").write_text(wages(*values)["wages.csv"])
            task = creator.create(plan())
            self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
            self.assertEqual(creator.result(task)["outputs"]["m"]["value"], mean)

    def test_a_level_that_an_owner_reads_as_missing(self):
        """Each party has its own NA words: c's are the default ones, the others keep "NA"."""
        countries = {"wages.csv": "country,wage\nNA,1\nDE,2\n"}
        cluster = self.cluster([countries] * 3, start=False)
        for node in cluster.nodes[:2]:
            node.files = [{"file": "wages.csv", "na": [""]}]
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        cluster.start()
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        asked = plan({"m": "value_counts(wages.country, 'NA', 'DE')"})
        task = creator.create(asked)
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log("declined (plan)")
        owner.wait_log('"NA" is an NA word of wages.csv')
        self.assertRegex("\n".join(creator.messages(task)), r"c .*plan")
        self.refuse(owner, asked, "is an NA word of wages.csv")

    def test_the_creator_learns_of_its_own_file_at_once(self):
        cluster = self.cluster([{"wages.csv": "name,wage\na\n"}, GOOD, GOOD])
        self.refuse(cluster.nodes[0], plan(), "wages.csv:2:")


if __name__ == "__main__":
    unittest.main()
