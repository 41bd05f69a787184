"""One setting, one name: what may be given in several ways, as it is compared.

`batch_size`, `plan.size` and `plan="fixed:size=256"` are one setting, and so are `warmup` and
`schedule.warmup`. Who asks whether a setting was given asks this.
"""

from collections.abc import Mapping
from typing import Any

from lenetlab.errors import UserError
from lenetlab.records.recipe import PARTS
from lenetlab.settings import parse_choice, show

SHORT = {"plan.size": "batch_size", "schedule.warmup": "warmup"}


def one_name(given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with the settings that stand behind a part's name, `iht:keep=0.1`, under names of
    their own, and short names where there are. `UserError` where one setting has two values."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        its: dict[str, Any] = {key: value}
        if key in PARTS and isinstance(value, str):
            name, settings = parse_choice(value)
            its = {key: name} | {f"{key}.{setting}": v for setting, v in settings.items()}
        for long, of in its.items():
            if of is None and long in SHORT.values():
                continue  # `make_recipe` has it for not given
            short = SHORT.get(long, long)
            if short in found and show(found[short]) != show(of):
                raise UserError(
                    f"{short} is given twice, as {show(found[short])} and as {show(of)}; "
                    "leave one of them out"
                )
            found[short] = of
    return found


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The settings `below` with those `above` in their place, by whatever names."""
    named = one_name(above)
    kept = {key: value for key, value in one_name(below).items() if key not in named}
    given = {k: v for k, v in above.items() if v is not None or k not in SHORT.values()}
    return {**kept, **given}
