"""The scenarios: what is minimised and what is allowed. Choices are refused here, early.

A scenario is one entry of the table; what is recorded is its name.
"""

from dataclasses import dataclass, replace

from lenetlab.errors import UserError, unknown

BOUND = 24_480  # nonzeros allowed in fc1.weight and fc2.weight together: 60 % of 40,800


@dataclass(frozen=True)
class Scenario:
    """What is minimised, and how many weights may be left.

    description : both in a few words.
    decays : whether L2 regularisation, through `weight_decay`, is part of the loss.
    constrained : whether a constraint keeps weights of fc1 and fc2 at zero.
    bound : how many of them every net may have; None where nothing bounds them, or where each
        recipe keeps its own number.
    """

    name: str
    description: str
    decays: bool = False
    constrained: bool = False
    bound: int | None = None

    @property
    def by_size(self) -> bool:
        """Whether nets are ranked only among those that keep as many weights: a frontier."""
        return self.constrained and self.bound is None


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("plain", "mean cross-entropy; no weight decay"),
        Scenario("l2", "cross-entropy with L2 regularisation through weight_decay", decays=True),
        Scenario(
            "sparse", f"at most {BOUND:,} of the 40,800 weights of fc1 and fc2 nonzero; plain loss",
            constrained=True, bound=BOUND,
        ),
        Scenario(
            "sparse+l2", "sparse, with weight decay as well",
            decays=True, constrained=True, bound=BOUND,
        ),
        Scenario(
            "frontier", "thinner nets, shown beside sparse and never among it; plain loss",
            constrained=True,
        ),
        Scenario(
            "frontier+l2", "frontier, with weight decay as well", decays=True, constrained=True
        ),
    )
}  # fmt: skip
RULE_SETS = {
    "strict": "training images as they are",
    "open": "augmentation of training images allowed",
}

OTHER_LOSSES = (
    "label_smoothing", "mixup", "cutmix", "focal", "focal_loss", "loss", "class_weights",
    "distillation",
)  # fmt: skip


def find_scenario(name: str) -> Scenario:
    """The scenario called `name`; `UserError` with the nearest name if there is none."""
    if name not in SCENARIOS:
        raise unknown("scenario", name, SCENARIOS)
    return SCENARIOS[name]


def recorded_scenario(name: str) -> Scenario:
    """The scenario of results; nothing is expected of one that this version does not know."""
    return SCENARIOS.get(name) or Scenario(name, "a scenario that this version does not know")


def _beside(scenario: Scenario, **changed: bool | None) -> str:
    """The name of the scenario that differs from `scenario` in what is `changed`."""
    wanted = _rule(replace(scenario, **changed))  # type: ignore[arg-type]
    return next(other.name for other in SCENARIOS.values() if _rule(other) == wanted)


def _rule(scenario: Scenario) -> tuple[bool, bool, int | None]:
    return scenario.decays, scenario.constrained, scenario.bound


def check_scenario(
    scenario: str,
    rules: str,
    weight_decay: float,
    constrained: bool,
    augmented: bool = False,
    usual: float = 0.0005,
) -> None:
    """Refuse combinations that a scenario forbids, each with the reason. `usual` : a weight decay
    of the method's kind, for whom it is missing."""
    found = find_scenario(scenario)
    if rules not in RULE_SETS:
        raise unknown("rule set", rules, RULE_SETS)
    decays = weight_decay != 0
    if decays and not found.decays:
        raise UserError(
            f"weight_decay={weight_decay:g} is not allowed in scenario {scenario!r}, whose loss is "
            f"plain cross-entropy; leave it out, or choose --scenario {_beside(found, decays=True)}"
        )
    if found.decays and not decays:
        raise UserError(
            f"scenario {scenario!r} needs weight_decay > 0; add --set weight_decay={usual:g}, "
            f"or choose --scenario {_beside(found, decays=False)}"
        )
    if constrained != found.constrained:
        *names, last = (one.name for one in SCENARIOS.values() if one.constrained)
        raise UserError(
            f"scenario {scenario!r} allows no constraint; constraints belong to the scenarios "
            f"{', '.join(names)} and {last}"
            if constrained
            else f"scenario {scenario!r} needs a --constraint, as in --constraint magnitude; "
            "`lenetlab methods` lists them"
        )
    if augmented and rules == "strict":
        raise UserError(
            "rules 'strict' train on the images as they are and allow no augmentation; add "
            "--rules open, or leave --augment out"
        )


def check_keep(scenario: str, keep: int) -> None:
    """Refuse a number of nonzeros that belongs to another scenario, or to none."""
    if keep > BOUND:
        raise UserError(
            f"keep={keep} is more than scenario {scenario!r} allows; expected at most {BOUND:,} "
            "nonzeros, which is 60 % of fc1's and fc2's weights"
        )
    found = find_scenario(scenario)
    if found.bound is not None and keep < found.bound:
        raise UserError(
            f"keep={keep} makes a thinner net than scenario {scenario!r} is about; choose "
            f"--scenario {_beside(found, bound=None)}, which is shown apart, or "
            f"leave keep at {found.bound}"
        )


def refuse_other_loss(name: str) -> None:
    """Refuse what would train on another loss or other labels."""
    if name in OTHER_LOSSES:
        raise UserError(
            f"{name} changes the loss or its labels, and every scenario is trained on the "
            f"cross-entropy of the given labels; leave it out (augmentation of images alone: "
            f"--rules open --augment flip+shift)"
        )
