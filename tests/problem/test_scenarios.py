"""What each scenario allows, and the reason given for what it forbids."""

import re

import pytest

from lenetlab.errors import UserError
from lenetlab.problem.model import CONSTRAINED
from lenetlab.problem.scenarios import (
    BOUND,
    OTHER_LOSSES,
    RULE_SETS,
    SCENARIOS,
    check_keep,
    check_scenario,
    find_scenario,
    recorded_scenario,
    refuse_other_loss,
)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("decay", [0.0, 5e-4])
@pytest.mark.parametrize("constrained", [False, True])
def test_decay_and_constraint_fit_the_scenarios_name(scenario, decay, constrained):
    bounded = "sparse" in scenario or "frontier" in scenario
    fits = (decay > 0) == ("l2" in scenario) and constrained == bounded
    for rules in RULE_SETS:
        if fits:
            check_scenario(scenario, rules, decay, constrained)
        else:
            with pytest.raises(UserError, match=scenario.replace("+", r"\+")):
                check_scenario(scenario, rules, decay, constrained)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_is_named_in_its_place_allows_what_was_refused(scenario):
    decay = 0.0 if scenario.decays else 5e-4
    with pytest.raises(UserError) as refused:
        check_scenario(scenario.name, "strict", decay, scenario.constrained)
    (named,) = re.findall(r"choose --scenario (\S+)$", str(refused.value))
    check_scenario(named, "strict", decay, scenario.constrained)
    assert SCENARIOS[named].bound == scenario.bound


def test_a_scenario_of_another_version_is_shown_and_nothing_else_is_known_of_it():
    found = recorded_scenario("sparse+l1")
    assert (found.name, found.decays, found.constrained, found.by_size) == (
        "sparse+l1", False, False, False,
    )  # fmt: skip
    with pytest.raises(UserError, match="did you mean 'sparse"):
        find_scenario("sparse+l1")


def test_unknown_names_get_the_nearest_known_one():
    with pytest.raises(UserError, match="did you mean 'plain'"):
        check_scenario("plian", "strict", 0, False)
    with pytest.raises(UserError, match="did you mean 'open'"):
        check_scenario("plain", "opne", 0, False)


def test_the_bound_is_60_percent_of_the_constrained_weights():
    assert BOUND * 10 == CONSTRAINED * 6


def test_thinner_nets_are_never_among_scenario_sparse():
    check_keep("sparse", BOUND)
    check_keep("frontier", 408)
    check_keep("frontier+l2", BOUND)
    with pytest.raises(UserError, match=r"choose --scenario frontier\+l2"):
        check_keep("sparse+l2", 12_240)
    for scenario in ("sparse", "frontier"):
        with pytest.raises(UserError, match="expected at most 24,480"):
            check_keep(scenario, BOUND + 1)


def test_augmentation_belongs_to_the_rules_open():
    check_scenario("plain", "open", 0, False, augmented=True)
    with pytest.raises(UserError, match="add --rules open"):
        check_scenario("plain", "strict", 0, False, augmented=True)


@pytest.mark.parametrize("name", OTHER_LOSSES)
def test_another_loss_is_refused(name):
    with pytest.raises(UserError, match="every scenario is trained on the cross-entropy"):
        refuse_other_loss(name)
