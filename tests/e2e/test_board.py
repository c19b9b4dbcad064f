#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The board in a browser (Debian's Chromium), on real nodes: a task from the form to its download, what is shown
held against the API; axe-core on every page; names and plans of a hostile peer."""

import base64
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import unittest

from hostile import Hostile
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from support import Cluster, has_tool, make_bundle, plan, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
AXE = ROOT / "node/board/node_modules/axe-core/axe.min.js"
PICTURES = os.environ.get("SOTTO_PICTURES")  # a folder that gets a picture of every page
PAGES = ["tasks", "compose", "asked", "code", "ledger", "datasets", "nodes", "policy", "record"]
HOSTILE = "<script>document.title='owned'</script>\u202egnp.\u2066x<img src=x onerror=alert(1)>" + "w" * 120


def table(seed, rows=400):
    source = random.Random(seed)
    return {"wages.csv": "age,wage,dept\n" + "".join(
        f"{source.randint(20, 64)},{source.gauss(4200, 700):.2f},{source.choice(['R&D', 'Sales', 'HR'])}\n"
        for _ in range(rows))}


class Board(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster([table(i) for i in range(3)])
        cls.addClassCleanup(cls.cluster.stop)
        for node, name in zip(cls.cluster.nodes, ("acorn", "birch", "cedar"), strict=True):
            node.name = name
            node.policy = {"min_rows": 10, "results": "participants"}
        cls.creator, cls.owner, cls.hostile = cls.cluster.nodes
        cls.creator.policy["publish"] = [{"dataset": "wages.csv", "types": "true"}]
        cls.creator.policy["code"] = "approved"
        cls.owner.policy["approve"] = "manual"
        cls.cluster.start()
        cls.cluster.wait_connected()
        cls.downloads = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.downloads.cleanup)
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--hide-scrollbars", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US"):
            options.add_argument(word)
        options.add_experimental_option("prefs", {"download.default_directory": cls.downloads.name})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        cls.addClassCleanup(cls.browser.quit)

    # --- The browser ---

    def wait(self, condition):
        return WebDriverWait(self.browser, 20, poll_frequency=0.05).until(lambda _: condition())

    def find(self, selector):
        return self.wait(lambda: next(iter(self.browser.find_elements(By.CSS_SELECTOR, selector)), None))

    def wait_text(self, selector, part):
        self.wait(lambda: part in self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent).join('\\n')", selector))

    def log_in(self, node, token=None):
        self.browser.get(node.api_url + "/")
        if self.find("#token, #logout").get_attribute("id") == "logout":  # as whoever was there before
            self.find("#logout").click()
        self.find("#token").send_keys(token or node.token, Keys.ENTER)
        self.find("#logout")

    def open(self, node, page):
        self.browser.get(f"{node.api_url}/#/{page}")
        self.find("h1")
        self.wait(lambda: not self.browser.find_elements(By.CSS_SELECTOR, "main p[role=status]"))

    def show_as(self, width, scheme):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def take_picture(self, name):
        if PICTURES:
            shown = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            pathlib.Path(PICTURES, f"{name}.png").write_bytes(base64.b64decode(shown["data"]))

    def cells(self, caption):
        """The body of the table of a caption: rows of texts."""
        return self.browser.execute_script("""
            const table = [...document.querySelectorAll("table")].find((one) => one.caption.textContent === arguments[0]);
            return table && [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
        """, caption)

    # --- What holds on every page ---

    def check_page(self, name, schemes=("dark", "light")):
        """At all sizes nothing hangs out; axe-core finds nothing serious, in light and dark. schemes: for axe-core."""
        for width, scheme in ((360, "dark"), (1280, "light")):
            self.show_as(width, scheme)
            inner, outer = self.browser.execute_script(
                "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            self.assertLessEqual(inner, outer, f"{name} at {width}")
            self.take_picture(f"{name}-{width}-{scheme}")
            if scheme not in schemes:
                continue
            found = self.browser.execute_async_script(
                "const done = arguments[0]; axe.run({resultTypes: ['violations'], preload: false}).then((result) => done(result.violations), (error) => done(String(error)))")
            self.assertEqual([(one["id"], [node["html"] for node in one["nodes"]]) for one in found
                              if one["impact"] in ("serious", "critical")], [], f"{name} at {width}, {scheme}")

    def load_axe(self):
        """As the tester: the page itself may load nothing but the node's own files."""
        self.browser.execute_script(AXE.read_text())

    def test_1_a_task_from_the_form_to_its_download(self):
        self.log_in(self.creator)
        self.open(self.creator, "compose")
        self.find("#dataset").send_keys("wages.csv")
        self.find("#task-name").send_keys("wages of all")
        self.wait_text(".choices", "wage")
        boxes = {label.text.split()[0]: label for label in self.browser.find_elements(By.CSS_SELECTOR, ".choices label")}
        self.assertEqual(list(boxes), ["age", "wage", "dept"])
        boxes["wage"].click()
        self.find("#add").click()
        Select(self.find("#statistic")).select_by_visible_text("hist")
        boxes["wage"].click()
        boxes["age"].click()
        self.find("#values").send_keys("20, 30, 40, 50, 65")
        self.find("#add").click()
        Select(self.find("#statistic")).select_by_visible_text("ols")
        Select(self.find("#outcome")).select_by_visible_text("wage")
        self.find("#add").click()
        self.assertEqual(self.find("#questions").get_property("value"),
                         "mean_wage = mean(wage)\nhist_age = hist(age, 20, 30, 40, 50, 65)\nols_wage = ols(wage, age)")
        self.find("#check").click()
        self.wait_text("#checked", "hist(age, 20, 30, 40, 50, 65)")
        said = self.cells("What each rule says")
        self.assertEqual({row[1] for row in said}, {"lets it pass"})
        self.assertIn("ask who may ask", [row[0] for row in said])
        self.assertNotIn("rule_", " ".join(row[0] for row in said))  # each has its words
        self.load_axe()
        self.check_page("compose-checked")
        self.find("#ask").click()
        self.wait_text("h1", "Task 1")
        self.wait(lambda: [row[0] for row in self.cells("Parties and steps") or []] and
                  {row[0] for row in self.cells("Parties and steps")} >= {"acorn", "cedar"})
        self.assertEqual({row[2] for row in self.cells("Parties and steps")}, {"· not yet"})
        tab = self.browser.current_window_handle
        self.browser.switch_to.new_window("tab")
        self.approve()
        self.browser.close()
        self.browser.switch_to.window(tab)
        self.wait_text("[role=status]", "confirmed")
        self.check_result()
        self.load_axe()
        self.check_page("task")
        self.check_downloads()

    def approve(self):
        self.log_in(self.owner)
        self.open(self.owner, "asked")
        self.find("td a[href*='number=1']").click()
        self.find("#approve")
        self.wait_text("table", "lets it pass")
        words = self.owner.get("/v1/asked/one?number=1")["words"]
        self.assertIn(words.strip(), self.browser.execute_script("return document.querySelector('pre').textContent"))
        self.load_axe()
        self.check_page("question")
        self.find("#approve").click()
        self.wait(lambda: self.owner.get("/v1/asked")["asked"][0]["state"] in ("APPROVED", "ENDED"))

    def check_result(self):
        outputs = self.creator.result(1)["outputs"]
        self.wait(lambda: self.cells("mean_wage"))
        short = lambda value: float(f"{value:.8g}")  # noqa: E731
        self.assertEqual(float(self.cells("mean_wage")[0][1]), short(outputs["mean_wage"]["value"]))
        self.assertEqual(self.cells("hist_age"), [
            [label, str(cell["value"])] for label, cell in
            zip(outputs["hist_age"]["labels"][0], outputs["hist_age"]["values"], strict=True)])
        fields = outputs["ols_wage"]["fields"]
        names = ["coefficients", "standard_errors", "t", "p", "low", "high"]
        self.assertEqual(fields["p"]["values"][0]["value"], 0)  # below all doubles
        self.assertEqual([[0 if text == "<1e-300" else float(text) for text in row[1:]] for row in self.cells("ols_wage")],
                         [[short(fields[name]["values"][i]["value"]) for name in names] for i in range(2)])
        self.assertEqual([row[4] for row in self.cells("ols_wage")][0], "<1e-300")
        widths = self.browser.execute_script("return [...document.querySelectorAll('.bars.bins .bar')].map((bar) => bar.getBoundingClientRect().width)")
        counts = [cell["value"] for cell in outputs["hist_age"]["values"]]
        for width, count in zip(widths, counts, strict=True):  # a bar is as long as its number
            self.assertAlmostEqual(width / max(widths), count / max(counts), delta=0.01)
        self.wait(lambda: len(self.cells("Parties and steps")) == 3 and
                  {text for row in self.cells("Parties and steps") for text in row[1:7]} == {"✓ done"})
        log = self.browser.execute_script("return document.querySelector('.log').textContent")
        for line in self.creator.messages(1):
            self.assertIn(line, log)

    def check_downloads(self):
        for button in self.browser.find_elements(By.CSS_SELECTOR, ".result .buttons button"):
            button.click()
        folder = pathlib.Path(self.downloads.name)
        wanted = {"task-1.csv", "task-1.json", "task-1.sotto"}
        self.wait(lambda: {path.name for path in folder.iterdir()} == wanted)
        self.assertEqual(json.loads((folder / "task-1.json").read_text()), self.creator.result(1))
        lines = (folder / "task-1.csv").read_text().splitlines()
        self.assertEqual(lines[0], "output,field,label_1,label_2,label_3,value,exact")
        mean = self.creator.result(1)["outputs"]["mean_wage"]
        self.assertIn(f"mean_wage,,,,,{mean['value']},{mean['exact']}", lines)
        self.assertEqual(self.owner.cli("verify", str(folder / "task-1.sotto"), "--peers",
                                        str(self.owner.folder / "node.yaml")).returncode, 0)

    def test_2_a_plan_is_asked_again(self):
        """What the form makes of a plan is the same plan; of one that it can't hold it shows the JSON."""
        simple = self.creator.get("/v1/task/plan?task_id=1")
        grouped = plan({"m": "mean(w.wage)", "n": "count(wage)"}, {"w": "wages.csv"}, where="age >= 30", group_by=[
            {"column": "dept", "levels": ["HR", "Sales"], "other": False}])
        more = {**simple, "define": {"old": "age >= 50"}, "select": {"m": "mean(old)"}}
        tasks = [self.creator.create(body) for body in (grouped, more)]
        self.log_in(self.creator)
        for task in (1, *tasks):
            self.open(self.creator, f"compose?from={task}")
            words = self.creator.get(f"/v1/task/words?task_id={task}")["words"]
            self.find("#json" if task == tasks[1] else "#questions")
            self.wait(lambda: self.find("#json, #questions").get_property("value"))
            self.find("#check").click()
            self.wait_text("#checked pre", "reads")
            self.assertEqual(self.browser.execute_script("return document.querySelector('#checked pre').textContent"), words)
            self.creator.request("POST", f"/v1/task/cancel?task_id={task}", "")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "#questions"), [])

    def test_3_every_page(self):
        """With the keyboard alone from page to page, in both languages, at both sizes."""
        self.log_in(self.owner)
        self.load_axe()
        for page in [*PAGES[1:], PAGES[0]]:  # the first is there at the login
            link = self.find(f"nav a[href='#/{page}']")
            self.browser.execute_script("arguments[0].focus()", link)
            link.send_keys(Keys.ENTER)
            self.find(f"nav a[href='#/{page}'][aria-current=page]")
            self.wait(lambda: self.browser.execute_script("return document.activeElement.tagName") == "H1")
            self.wait(lambda: not self.browser.find_elements(By.CSS_SELECTOR, "main p[role=status]"))
            self.check_page(page, ("dark", "light") if page in ("compose", "ledger") else ("dark",))
        budget = self.owner.get("/v1/ledger")["columns"]
        self.assertTrue(budget)
        self.open(self.owner, "ledger")
        self.wait(lambda: self.cells("What was told of each column"))
        self.assertEqual([row[:4] for row in self.cells("What was told of each column")], [
            [row["file"], row["column"], str(row["told"]), str(row["left"])] for row in budget])
        self.assertIn("the first token (admin)", self.find(".who").text)
        self.find("button[lang=zh]").click()
        self.wait_text("h1", "账本")
        self.assertEqual(self.browser.execute_script("return document.documentElement.lang"), "zh-Hans")
        self.check_page("ledger-zh")
        self.find("button[lang=en]").click()
        self.find("#logout").click()
        self.find("#token")
        self.load_axe()
        self.check_page("login")
        self.browser.get(self.owner.api_url + "/#/ledger")
        self.browser.refresh()
        self.find("#token")  # what the cookie was is nobody's
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "table"), [])

    def test_4_what_a_hostile_peer_can_show(self):
        self.hostile.stop()
        peer = Hostile(self.hostile.folder / "node.key", self.creator)
        self.creator.policy["approve"] = "manual"
        self.creator.configure()
        self.assertEqual(self.creator.request("POST", "/v1/reload", "")[0], 200)
        word = "W" * 65536
        for name, text in ((HOSTILE, "sum(wage)"), ("long", f"sum(wage) + 0 * count(dept == '{word}')"),
                           ("long", "mean(wage)")):
            body = plan({HOSTILE[:200]: text}, name=name)
            self.assertEqual(peer.invite(os.urandom(16), body), 200)
        asked = self.wait(lambda: [one["number"] for one in self.creator.get("/v1/asked?waiting=1")["asked"]][2:] and
                          self.creator.get("/v1/asked?waiting=1")["asked"])
        self.assertEqual({one["name"] for one in asked}, {HOSTILE, "long"})
        questions = [f"question?number={one['number']}" for one in asked]
        self.log_in(self.creator)
        self.load_axe()
        for page in ("asked", *questions, "record"):
            self.open(self.creator, page)
            self.wait_text("main", "cedar")
            self.check_page("hostile-" + page.replace("?", "-"), ("dark",))
            self.assertNotIn("owned", self.browser.title)
            self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main img, main script"), [])
            text = self.browser.execute_script("return document.querySelector('main').textContent")
            self.assertNotRegex(text, "[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
        self.open(self.creator, questions[0])  # the newest one, against the one before it of this name
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, ".difference .added"))
        self.assertIn("mean(wage)", self.find(".difference").text)
        self.assertEqual(self.find("h3 a").text, str(asked[1]["number"]))

    def test_5_code_is_read_and_approved(self):
        data, digest = make_bundle({"model.py": f"class Model:\n    name = {HOSTILE!r}  # {HOSTILE}\n"})
        self.assertEqual(self.creator.request("POST", "/v1/code/offer", data)[0], 200)
        self.log_in(self.creator)
        self.load_axe()
        self.open(self.creator, "code")
        self.find("th a[href*=digest]").click()
        self.wait_text("pre", "class Model:")
        shown = self.creator.get(f"/v1/code/one?digest={digest}")
        self.assertEqual(self.browser.execute_script("return document.querySelector('pre').textContent"), shown["text"])
        self.check_page("source", ("dark",))
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main img, main script"), [])
        self.find("#rounds").send_keys("7")
        self.find("#approve").click()
        self.wait_text("[role=status]", "approved")
        self.assertEqual(self.creator.get(f"/v1/code/one?digest={digest}")["rounds_left"], 7)
        self.find("#revoke").click()
        self.wait_text("[role=status]", "revoked")

    def test_6_a_role_sees_its_pages(self):
        token = self.creator.cli("token", "new", "reader", "--role", "read", "--config",
                                 str(self.creator.folder / "node.yaml")).stdout.strip()
        self.log_in(self.creator, token)
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "nav a"))
        self.assertEqual([link.get_attribute("href").split("#/")[1] for link in
                          self.browser.find_elements(By.CSS_SELECTOR, "header nav a")], ["tasks", "nodes"])
        self.open(self.creator, "policy")
        self.wait_text("h1", "Tasks")  # a page of another role is not there

    def test_7_nothing_came_from_elsewhere(self):
        """All that was asked for in this file's tests, and what the browser found wrong with it."""
        urls = set()
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.add(message["params"]["request"]["url"])
        own = tuple(node.api_url for node in self.cluster.nodes)
        self.assertGreater(len(urls), 20)
        self.assertEqual([url for url in urls if not url.startswith((*own, "blob:", "data:", "chrome:"))], [])
        severe = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        # Whoever is not logged in is told so by a 401.
        self.assertEqual([text for text in severe if "/v1/me" not in text or "401" not in text], [])


if __name__ == "__main__":
    case = unittest.TestCase()
    if not all(has_tool(case, tool) for tool in ("chromium", "chromedriver")):
        sys.exit(77)
    if not AXE.exists():
        skip("e2e/board", "node/board/node_modules has no axe-core: npm can't be had")
    unittest.main()
