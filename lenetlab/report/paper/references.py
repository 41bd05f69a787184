"""Where the network, the images, the methods and the tests of a paper are from."""

from collections.abc import Iterable, Mapping, Sequence

from lenetlab.analysis.board import Board
from lenetlab.analysis.comparison import FEWEST
from lenetlab.report.paper.markdown import Markdown, code, escape

NETWORK = "LeCun, Bottou, Bengio and Haffner 1998, Proceedings of the IEEE 86(11)"
IMAGES = "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747"
HOLM = "Holm 1979, Scandinavian Journal of Statistics 6(2)"
SMYTH = "Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3(1)"


def references(
    names: Iterable[str],
    about: Mapping[str, Mapping[str, str]],
    boards: Sequence[Board],
    fashion: bool = True,
) -> list[Markdown]:
    """What a list of references says: of the network and the images, of those in `names` that
    are known, each once, and of the tests that were made."""
    found = [Markdown(f"LeNet-5: {NETWORK}.")]
    if fashion:
        found.append(Markdown(f"Fashion-MNIST: {IMAGES}."))
    for name in dict.fromkeys(names):
        if reference := about.get(name, {}).get("reference"):
            found.append(Markdown(f"{code(name)}: {_closed(reference)}"))
    compared = [board for board in boards if board.compared]
    if any(len(board.compared) > 1 for board in compared):
        found.append(Markdown(f"Correction for many comparisons: {HOLM}."))
    if any(len(board.compared) >= FEWEST for board in compared):
        found.append(Markdown(f"Variances drawn together: {SMYTH}."))
    return found


def _closed(reference: str) -> str:
    return f"{escape(reference.rstrip('.'))}."
