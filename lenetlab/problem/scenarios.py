"""The three scenarios: what is minimised and what is allowed. Choices are refused here, early."""

from lenetlab.errors import UserError, unknown
from lenetlab.records.recipe import KEEP

SCENARIOS = {
    "plain": "mean cross-entropy; no weight decay",
    "l2": "cross-entropy with L2 regularisation through weight_decay",
    "sparse": "at most 24,480 of the 40,800 weights of fc1 and fc2 nonzero; plain loss",
    "sparse+l2": "sparse, with weight decay as well",
    "frontier": "thinner nets, shown beside sparse and never among it; plain loss",
    "frontier+l2": "frontier, with weight decay as well",
}
RULE_SETS = {
    "strict": "training images as they are",
    "open": "augmentation of training images allowed",
}
BOUND = KEEP  # nonzeros allowed in fc1.weight and fc2.weight together: 60 % of 40,800


OTHER_LOSSES = (
    "label_smoothing", "mixup", "cutmix", "focal", "focal_loss", "loss", "class_weights",
    "distillation",
)  # fmt: skip


def check_scenario(
    scenario: str, rules: str, weight_decay: float, constrained: bool, augmented: bool = False
) -> None:
    """Refuse combinations that a scenario forbids, each with the reason."""
    if scenario not in SCENARIOS:
        raise unknown("scenario", scenario, SCENARIOS)
    if rules not in RULE_SETS:
        raise unknown("rule set", rules, RULE_SETS)
    decays = weight_decay != 0
    if decays and "l2" not in scenario:
        allowing = "l2" if scenario == "plain" else f"{scenario}+l2"
        raise UserError(
            f"weight_decay={weight_decay:g} is not allowed in scenario {scenario!r}, whose loss is "
            f"plain cross-entropy; leave it out, or choose --scenario {allowing}"
        )
    if not decays and "l2" in scenario:
        raise UserError(
            f"scenario {scenario!r} needs weight_decay > 0; add --set weight_decay=0.0005, "
            f"or choose --scenario {scenario.removesuffix('+l2').replace('l2', 'plain')}"
        )
    if constrained != is_constrained(scenario):
        raise UserError(
            f"scenario {scenario!r} allows no constraint; constraints belong to the scenarios "
            "sparse, sparse+l2, frontier and frontier+l2"
            if constrained
            else f"scenario {scenario!r} needs a --constraint, as in --constraint magnitude; "
            "`lenetlab methods` lists them"
        )
    if augmented and rules == "strict":
        raise UserError(
            "rules 'strict' train on the images as they are and allow no augmentation; add "
            "--rules open, or leave --augment out"
        )


def is_constrained(scenario: str) -> bool:
    """Whether the scenario bounds the number of nonzero weights."""
    return scenario.startswith(("sparse", "frontier"))


def check_keep(scenario: str, keep: int) -> None:
    """Refuse a number of nonzeros that belongs to another scenario, or to none."""
    if keep > BOUND:
        raise UserError(
            f"keep={keep} is more than scenario {scenario!r} allows; expected at most {BOUND:,} "
            "nonzeros, which is 60 % of fc1's and fc2's weights"
        )
    if scenario.startswith("sparse") and keep < BOUND:
        raise UserError(
            f"keep={keep} makes a thinner net than scenario {scenario!r} is about; choose "
            f"--scenario {scenario.replace('sparse', 'frontier')}, which is shown apart, or "
            f"leave keep at {BOUND}"
        )


def refuse_other_loss(name: str) -> None:
    """Refuse what would train on another loss or other labels."""
    if name in OTHER_LOSSES:
        raise UserError(
            f"{name} changes the loss or its labels, and every scenario is trained on the "
            f"cross-entropy of the given labels; leave it out (augmentation of images alone: "
            f"--rules open --augment flip+shift)"
        )
