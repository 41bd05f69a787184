"""What momentum and adaptive methods are worth: a family against SGD."""

from findings.finding import Finding, missing
from findings.group import COURSE, groups, of_family, passes_and_seconds
from findings.searches import within_luck
from findings.sources import Sources


def momentum(sources: Sources) -> Finding:
    """Against SGD, which has none."""
    return _against_sgd(sources, "momentum", "What momentum is worth", "momentum methods")


def adaptive(sources: Sources) -> Finding:
    """The whole family."""
    return _against_sgd(sources, "adaptive", "What adaptive methods are worth", "adaptive methods")


def _against_sgd(sources: Sources, family: str, about: str, who: str) -> Finding:
    found = groups(sources, of_family(sources.course, family))
    if not found:
        return missing(family, about, COURSE)
    return passes_and_seconds(family, who, found, within_luck(sources.course))
