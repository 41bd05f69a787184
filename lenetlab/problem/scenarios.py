"""The three scenarios: what is minimised and what is allowed. Choices are refused here, early."""

from lenetlab.errors import UserError, unknown

SCENARIOS = {
    "plain": "mean cross-entropy; no weight decay",
    "l2": "cross-entropy with L2 regularisation through weight_decay",
    "sparse": "at most 24,480 of the 40,800 weights of fc1 and fc2 nonzero; plain loss",
    "sparse+l2": "sparse, with weight decay as well",
}
RULE_SETS = {
    "strict": "training images as they are",
    "open": "augmentation of training images allowed",
}
BOUND = 24_480  # nonzeros allowed in fc1.weight and fc2.weight together: 60 % of 40,800


def check_scenario(scenario: str, rules: str, weight_decay: float, constrained: bool) -> None:
    """Refuse combinations that a scenario forbids, each with the reason."""
    if scenario not in SCENARIOS:
        raise unknown("scenario", scenario, SCENARIOS)
    if rules not in RULE_SETS:
        raise unknown("rule set", rules, RULE_SETS)
    decays = weight_decay != 0
    if decays and "l2" not in scenario:
        raise UserError(
            f"weight_decay={weight_decay:g} is not allowed in scenario {scenario!r}, whose loss is "
            f"plain cross-entropy; leave it out, or choose --scenario "
            f"{'l2' if scenario == 'plain' else 'sparse+l2'}"
        )
    if not decays and "l2" in scenario:
        raise UserError(
            f"scenario {scenario!r} needs weight_decay > 0; add --set weight_decay=0.0005, "
            "or choose --scenario plain"
        )
    if constrained != scenario.startswith("sparse"):
        raise UserError(
            f"scenario {scenario!r} "
            + ("allows no constraint" if constrained else "needs a --constraint")
            + "; constraints belong to the scenarios sparse and sparse+l2"
        )
