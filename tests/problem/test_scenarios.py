"""What each scenario allows, and the reason given for what it forbids."""

import pytest

from lenetlab.errors import UserError
from lenetlab.problem.model import CONSTRAINED
from lenetlab.problem.scenarios import BOUND, RULE_SETS, SCENARIOS, check_scenario


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("decay", [0.0, 5e-4])
@pytest.mark.parametrize("constrained", [False, True])
def test_decay_and_constraint_fit_the_scenarios_name(scenario, decay, constrained):
    fits = (decay > 0) == ("l2" in scenario) and constrained == ("sparse" in scenario)
    for rules in RULE_SETS:
        if fits:
            check_scenario(scenario, rules, decay, constrained)
        else:
            with pytest.raises(UserError, match=scenario.replace("+", r"\+")):
                check_scenario(scenario, rules, decay, constrained)


def test_unknown_names_get_the_nearest_known_one():
    with pytest.raises(UserError, match="did you mean 'plain'"):
        check_scenario("plian", "strict", 0, False)
    with pytest.raises(UserError, match="did you mean 'open'"):
        check_scenario("plain", "opne", 0, False)


def test_the_bound_is_60_percent_of_the_constrained_weights():
    assert BOUND * 10 == CONSTRAINED * 6
