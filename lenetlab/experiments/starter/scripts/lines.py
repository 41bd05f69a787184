"""The evaluations in what a script has printed, in whatever words."""

import re

from lenetlab.experiments.starter.recipe import TestLine

NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf"
COUNT = re.compile(r"(?<![\d.])(\d+)(?:\.0*)?\)?\s*/\s*10[,_ ]?000(?!,?[\d_])")
LOSS = re.compile(
    rf"(?P<what>[^,;|()\d]*)(?<![a-z])loss(?![a-z])[^\d.+\n-]{{0,24}}?(?P<value>{NUMBER})", re.I
)
EXPECTED = (
    "a line for every evaluation with an average loss and how many of the 10,000 test images are "
    "right, as in: Test set: Average loss: 0.017226, Accuracy: 5953/10000"
)


def parse_test_lines(output: str) -> list[TestLine]:
    """The evaluations in `output`: every line with `n/10000` and an average loss, on it or on the
    line above it. Where several losses are named, that of the test set counts, else the average."""
    found: list[TestLine] = []
    above = ""
    for line in output.splitlines():
        count = COUNT.search(line)
        if count is None:
            above = line
            continue
        loss = _loss(line)
        if loss is None and COUNT.search(above) is None and "/60000" not in above:
            loss = _loss(above)
        if loss is not None:
            found.append(TestLine(len(found) + 1, int(count[1]), loss))
        above = line
    return found


def _loss(line: str) -> float | None:
    """The test set's average loss on `line`."""
    named = [(m["what"].lower(), float(m["value"])) for m in LOSS.finditer(line)]
    for words in (("test", "val"), ("average", "avg", "mean"), ("",)):
        for what, value in named:
            if any(word in what for word in words) and (words != ("",) or len(named) == 1):
                return value
    return None
