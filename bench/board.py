#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The board in Debian's Chromium, as somebody sees it who opens it for the first time. One JSON object per line.

first_paint: milliseconds from the address to the first contentful paint of the page for logging in, nothing being in
the browser's cache. compressed: kilobytes that the node sends for it. Needs selenium: build/venv/bin/python
bench/board.py --bin build/dev, after ./dev test all."""

import json
import os
import pathlib
import sys

if "--bin" in sys.argv[1:-1]:  # the build folder
    folder = sys.argv[sys.argv.index("--bin") + 1]
    os.environ["SOTTO_BINARY"] = str(pathlib.Path(folder).resolve() / "node" / "sotto")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402
from support import Cluster, wages  # noqa: E402

TURNS = 3 if "--quick" in sys.argv[1:] else 25
PAINT_MS_MAX = 200
COMPRESSED_KB_MAX = 150
PAINT = "return (performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime"
BYTES = """return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, one) => sum + one.transferSize, 0)"""


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def report(case, values, unit, most):
    """The goal is aimed at; only a page that was not there makes a line wrong."""
    print(json.dumps({"bench": "board", "case": case, "value": round(quantile(values, 0.5), 3), "unit": unit,
                      "least": round(min(values), 3), "p10": round(quantile(values, 0.1), 3),
                      "p90": round(quantile(values, 0.9), 3), "goals": {unit: most}, "cpus": os.cpu_count(),
                      "ok": min(values) > 0}), flush=True)


def open_once(browser, url):
    browser.get("about:blank")
    browser.get(url)
    paint = WebDriverWait(browser, 20, poll_frequency=0.02).until(lambda one: one.execute_script(PAINT))
    WebDriverWait(browser, 20, poll_frequency=0.02).until(lambda one: one.find_elements("css selector", "#token"))
    return paint, browser.execute_script(BYTES) / 1000


def main():
    cluster = Cluster([wages(1)])
    try:
        cluster.start()
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(word)
        browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            browser.execute_cdp_cmd("Network.enable", {})
            browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
            open_once(browser, cluster.nodes[0].api_url + "/")
            seen = [open_once(browser, cluster.nodes[0].api_url + "/") for _ in range(TURNS)]
        finally:
            browser.quit()
    finally:
        cluster.stop()
    report("first_paint", [paint for paint, _ in seen], "ms", PAINT_MS_MAX)
    report("compressed", [kb for _, kb in seen], "KB", COMPRESSED_KB_MAX)


if __name__ == "__main__":
    main()
