"""What momentum is worth."""

from findings.finding import Finding, missing
from findings.group import COURSE, groups, of_family, passes_and_seconds
from findings.sources import Sources

KEY = "momentum"


def finding(sources: Sources) -> Finding:
    """Methods of the family against SGD, which has none."""
    found = groups(sources, of_family(sources.course, "momentum"))
    if not found:
        return missing(KEY, "What momentum is worth", COURSE)
    return passes_and_seconds(KEY, "momentum methods", found)
