"""What readers of results are told of methods: every page's first line has a title and an idea."""

import pytest

from lenetlab.methods.describe import describe, title
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers


@pytest.mark.parametrize("kind", [methods, wrappers])
def test_every_title_is_short_and_its_own(kind):
    titles = [title(entry) for entry in kind().values()]
    assert len(set(titles)) == len(titles)
    assert all(0 < len(name) <= 32 for name in titles)


def test_a_method_inside_wrappers_has_all_their_titles_and_one_from_outside_none():
    found = describe(["muon", "ema+kfac", "somebody:Else"])
    assert {name: about["title"] for name, about in found.items()} == {
        "muon": "Muon",
        "ema+kfac": "EMA + K-FAC",
    }
