"""What momentum is worth."""

from findings.finding import Finding, missing
from findings.group import COURSE, group, of_family, passes_and_seconds
from findings.sources import Sources

KEY = "momentum"


def finding(sources: Sources) -> Finding:
    """Methods of the family against SGD, which has none."""
    found = group(sources.course, of_family(sources.course, "momentum"))
    if found is None:
        return missing(KEY, "What momentum is worth", COURSE)
    return passes_and_seconds(KEY, "momentum methods", found)
