"""The picture of a study's page in docs/report.md: its head, as a browser shows it.

python docs/generator/page_picture.py      needs Debian's `chromium`
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from shell import lenetlab

ROOT = Path(__file__).parents[2]
STUDIED, PICTURE = ROOT / "results" / "course", ROOT / "docs" / "report" / "page.png"
WIDTH, HEIGHT = 1440, 800


def draw(browser_path: str) -> None:
    """The head of the page of the committed study, as wide as a laptop."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder, "page.html")
        lenetlab("report", STUDIED, "--to", page)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(page.as_uri())
        tab.wait_for_selector(".marks")
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no chromium on this machine; Debian has it as the package `chromium`")
    draw(chromium)
