"""What adaptive methods are worth."""

from findings.finding import Finding, missing
from findings.group import COURSE, groups, of_family, passes_and_seconds
from findings.sources import Sources

KEY = "adaptive"


def finding(sources: Sources) -> Finding:
    """The whole family against SGD."""
    found = groups(sources, of_family(sources.course, "adaptive"))
    if not found:
        return missing(KEY, "What adaptive methods are worth", COURSE)
    return passes_and_seconds(KEY, "adaptive methods", found)
