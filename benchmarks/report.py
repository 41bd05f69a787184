"""The page at its largest: 40 methods × 3 scenarios × 10 seeds; its size, and how soon it is there.

    .venv/bin/python -m benchmarks.report [PAGES]

Opens it PAGES times (default 10) in headless Chromium, cold each time, on a wide screen and as a
phone whose processor is four times slower. Needs Debian's `chromium`.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from lenetlab.report.page.write import library, write
from tests.studies import made_up

METHODS = 40
SCREENS = {"wide": (1440, 900, 1), "phone": (390, 844, 4)}  # width, height, slow-down
CHARTS = """() => new Promise(done => {
    const begun = performance.now();
    scrollTo({top: document.querySelector('.charts').offsetTop - 100, behavior: 'instant'});
    const look = () => document.querySelector('.drawing svg')
        ? done(performance.now() - begun) : requestAnimationFrame(look);
    look();
})"""


def main(pages: int) -> None:
    study = made_up([f"a_method_{i:02d}" for i in range(METHODS)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        library()
        begun = time.perf_counter()
        write(study, path)
        print(f"made in {time.perf_counter() - begun:.1f} s, {path.stat().st_size / 1e6:.2f} MB")
        for name, screen in SCREENS.items():
            found = [opened(path, *screen) for _ in range(pages)]
            print(f"{name:6}" + "".join(
                f"  {key}: median {median(one[key] for one in found):.0f} ms, "
                f"longest {max(one[key] for one in found):.0f} ms" for key in found[0]
            ))  # fmt: skip


def opened(path: Path, width: int, height: int, slower: int) -> dict[str, float]:
    """Milliseconds to the first paint, to the whole of the text, and from scrolling to the first
    chart to its drawing."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": height})
        session: Any = tab.context.new_cdp_session(tab)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        tab.goto(path.as_uri())
        tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        times = tab.evaluate(
            """() => ({
                paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
                text: performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd,
            })"""
        )
        times["first chart"] = tab.evaluate(CHARTS)
        browser.close()
        return dict(times)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
