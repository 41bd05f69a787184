"""The page for everybody: axe-core finds nothing, in both themes, on a phone and a wide screen."""

import pytest

from tests.report.page.conftest import PHONE, WIDE
from tests.studies import made_up, with_stages


@pytest.fixture(scope="module")
def study():
    made = made_up(("sgd", "muon", "adagrad"), ("plain", "sparse"), 2, 2, ("adagrad",))
    return with_stages(made)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (WIDE, "light"),
        pytest.param(PHONE, "dark", marks=pytest.mark.long),
        pytest.param(WIDE, "dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing(show, study, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = show(study, width, scheme, pictures=True)
    page.draw()
    for details in page.tab.query_selector_all("details"):
        details.evaluate("one => one.open = true")
    for state in ("", "cell/plain/muon"):
        page.tab.evaluate(f"location.hash = '{state}'")
        page.tab.wait_for_timeout(200)
        found = Axe().run(page.tab)
        assert found.violations_count == 0, found.generate_report()
