"""Pages in a real browser: headless Chromium as the system has it, driven by Playwright."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from lenetlab.records.cells import Results
from lenetlab.report.attachments import Attachments
from lenetlab.report.page.still import WIDTH
from lenetlab.report.page.write import write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDE, PHONE = 1440, 390


def unseen(chart: Any, height: float, prefix: str) -> Markup:
    """In place of a chart's picture, and as large: drawing it takes most of what a page takes."""
    return Markup('<svg viewBox="0 0 {} {}"></svg>').format(WIDTH, height)


@dataclass
class Opened:
    """A page in a tab; `said` is what it wrote to its console or tried to load."""

    tab: Any
    address: str
    said: list[str] = field(default_factory=list)

    def all(self, selector: str) -> list[str]:
        """The texts of what is shown under `selector`."""
        found = [one for one in self.tab.query_selector_all(selector) if one.is_visible()]
        return [" ".join((one.text_content() or "").split()) for one in found]

    def draw(self, chart: str = "") -> None:
        """Scroll to the end, so that every chart is drawn, or to the one that is named."""
        of = f"[aria-labelledby='{chart}'] " if chart else ""
        found = self.tab.query_selector_all(f"{of}.drawing")
        assert found or not chart
        for drawing in found:
            # by the browser itself: Playwright's own waits until nothing around is being drawn
            drawing.evaluate("element => element.scrollIntoView()")
            drawing.wait_for_selector(".marks", timeout=60_000)  # a picture has no classes

    def click_last_point(self, chart: str) -> dict[str, Any]:
        """Click the last point of a chart, until the panel of runs is open; its data."""
        point = f"[aria-labelledby={chart}] .mark-symbol.role-mark path"
        self.click_open(self.tab.locator(point).last, force=True)
        found: dict[str, Any] = self.tab.locator(point).last.evaluate("e => e.__data__.datum")
        return found

    def click_open(self, what: Any, force: bool = False) -> None:
        """Click with the mouse until the panel of runs is open: while charts above are still drawn,
        `what` may move away from under the mouse."""
        from playwright.sync_api import TimeoutError as TooLong

        for _ in range(6):
            what.click(force=force)
            try:
                self.tab.wait_for_selector("dialog[open]", timeout=5_000)
                return
            except TooLong:
                continue
        pytest.fail(f"no panel opens by a click on {what}")


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine; Debian has it as the package `chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The page of given results, with or without the pictures that are there before its charts are
    drawn; written once however often it is opened."""
    folder = tmp_path_factory.mktemp("pages")
    written: list[tuple[Results, Attachments | None, bool, Path]] = []

    def page_of(results: Results, attachments: Attachments | None, pictures: bool) -> Path:
        for known, its, whole, path in written:
            if known is results and its is attachments and whole is pictures:
                return path
        with pytest.MonkeyPatch.context() as patch:
            if not pictures:
                patch.setattr("lenetlab.report.page.drawn.still", unseen)
            path = write(results, folder / f"{len(written)}.html", attachments)
        written.append((results, attachments, pictures, path))
        return path

    return page_of


@pytest.fixture
def show(browser: Any, pages: Callable[..., Path]) -> Iterator[Open]:
    """`show(results)` opens the page of `results`, as a reader would, from its file; `pictures`
    are drawn where they are looked at."""
    tabs = []

    def open_page(
        results: Results,
        width: int = WIDE,
        scheme: str = "light",
        attachments: Attachments | None = None,
        hash: str = "",
        scripts: bool = True,
        pictures: bool = False,
    ) -> Opened:
        path = pages(results, attachments, pictures)
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme,
                               java_script_enabled=scripts)  # fmt: skip
        tab.set_default_timeout(15_000)
        tabs.append(tab)
        opened = Opened(tab, path.as_uri())
        tab.on("console", lambda message: opened.said.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: opened.said.append(f"error: {error}"))
        tab.on("request", lambda request: opened.said.append(f"request: {request.url[:200]}")
               if request.url.partition("#")[0] != opened.address else None)  # fmt: skip
        tab.goto(opened.address + hash)
        return opened

    yield open_page
    for tab in tabs:
        tab.close()
