"""The discussion of the study's paper says what the findings say, with numbers of the same rows."""

import re
import sys

from .blocks import ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
import discussion
from findings.finding import Finding, missing

from lenetlab.records.rows import read_results
from tests.studies import made_up


def test_the_committed_discussion_is_what_the_rows_give():
    course = read_results(discussion.RESULTS / "course")
    made = discussion.discussion(discussion.findings(discussion.RESULTS), course)
    assert discussion.TARGET.read_text() == made, (
        "python docs/generator/discussion.py writes it anew"
    )


def test_a_finding_without_rows_is_left_out():
    found = [
        Finding("l2", "L2 helps", ["First.", "Second."]),
        missing("rate", "What the rate is worth", "lenetlab study studies/course.toml"),
    ]
    text = discussion.discussion(found, made_up(methods=["sgd", "sphere+soap"], scenarios=["l2"]))
    assert "### L2 helps\n\nFirst.\n\n### What should be doubted" in text
    assert "Second" not in text
    assert "not computed" not in text
    # sgd: rate, batch, warm-up, schedule, decay; around soap its momentum and the norm as well
    assert "in 5 to 7 dimensions" in text


def test_what_is_written_by_hand_has_no_number():
    """They come from the rows, by `figure`."""
    assert not re.search(r"\d", re.sub(r"\{\{.*?\}\}", "", discussion.DOUBTS))
