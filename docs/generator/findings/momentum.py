"""What momentum is worth."""

from findings.finding import Finding, missing
from findings.group import COURSE, group, passes_and_seconds
from findings.sources import Sources

KEY, WHO = "momentum", ("nesterov", "heavy_ball")


def finding(sources: Sources) -> Finding:
    """Nesterov's and Polyak's momentum against none."""
    found = group(sources.course, WHO)
    if found is None:
        return missing(KEY, "What momentum is worth", COURSE)
    return passes_and_seconds(KEY, "momentum methods", found)
