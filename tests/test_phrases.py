"""What sentences are made of."""

import pytest

from lenetlab.phrases import count, in_units, joined, p_equals, passes


@pytest.mark.parametrize(
    ("said", "text"),
    [(count(0, "seed"), "0 seeds"), (count(1, "seed"), "1 seed"),
     (count(1000, "run"), "1,000 runs"),
     (in_units(1), "1 pass"), (in_units(0.25), "0.25 passes"), (in_units(1, "epochs"), "1 epoch"),
     (in_units(2.0, "epochs"), "2 epochs"), (passes(1), "1 effective pass"),
     (passes(10.0), "10 effective passes"), (joined(["a", "b", "c"]), "a, b and c"),
     (joined("a"), "a"), (p_equals(0.0123), "p = 0.0123"), (p_equals(1e-4), "p = 0.0001"),
     (p_equals(9.9e-5), "p < 0.0001")],
)  # fmt: skip
def test_phrases(said, text):
    assert said == text
