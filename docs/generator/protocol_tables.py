"""The protocol's tables of what its statistics are worth, from the rows of the committed study.

python docs/generator/protocol_tables.py    writes them between their marks; half a minute
"""

from pathlib import Path

import marks
from protocol.default_wins import default_wins
from protocol.kinds import kinds
from protocol.leader_choice import leader_choice
from protocol.leader_now import leader_now
from protocol.pairs import rate_table, spread_table, spreads
from protocol.search_luck import luck_table

from lenetlab.records.cells import Results
from lenetlab.records.rows import read_results

ROOT = Path(__file__).parents[2]
PAGE, STUDIED = ROOT / "docs" / "protocol.md", ROOT / "results" / "course"


def tables(results: Results) -> dict[str, str]:
    """Each by the name of its marks."""
    found = spreads(results)
    return {
        "search luck": luck_table(results),
        "leader choice": leader_choice(results),
        "leader now": leader_now(results),
        "defaults": default_wins(results),
        "spread": spread_table(found),
        "pairs": rate_table(found),
        "kinds": kinds(results),
    }


def write() -> None:
    """From the committed rows."""
    marks.write(PAGE, tables(read_results(STUDIED)))


if __name__ == "__main__":
    write()
