"""How a run ended, in words."""

from lenetlab.records.finished import ended


def test_a_reason_that_is_not_known_is_not_named():
    assert ended("diverged", "loss is nan at step 17") == "diverged, loss is nan at step 17"
    assert ended("failed", None) == "failed"
