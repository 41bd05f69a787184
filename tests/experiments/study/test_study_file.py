"""Study files: all mistakes at once, each with its line; what a file comes to."""

from pathlib import Path

import pytest

from lenetlab.component import Span
from lenetlab.errors import UserError
from lenetlab.experiments.jobs import jobs
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.tuning.trials import Tuning, trials
from lenetlab.records.goal import Goal

BAD = """title = 3
scenarios = ["plain", "l2", "spars"]
methods = [
    "sgd",
    "adamv",
    "muon",
]
passes = -1
sedes = 3
[tune]
trials = 2.5
sampler = "random"
[method.lion]
settings = { lr = 1 }
"""

# These are found once the cells are known.
WRONG = """scenarios = ["plain", "sparse"]
methods = [
    "sgd",
    "adamv",
    "muon",
]
[method.muon]
settings = { momentun = 0.9 }
scenarios = ["plain", "l2"]
[method.muon.space]
lr = [0.1, 0.01, "log"]
[method."ema+sgd"]
settings = { lr = 0.1 }
[scenario.sparse]
constraint = "magnitude"
passes = 3
"""


def mistakes(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_study(path)
    head, *lines = str(caught.value).splitlines()
    assert "nothing was run" in head
    return {int(line.split()[1].rstrip(":")): line for line in lines}, len(lines)


def test_all_mistakes_of_form_at_once(tmp_path):
    found, count = mistakes(tmp_path, BAD)
    assert count == 5
    assert "title = 3" in found[1]
    assert "passes = -1" in found[8]
    assert "did you mean 'seeds'" in found[9]
    assert "tune.trials = 2.5" in found[11]
    assert "'random'" in found[12]


def test_all_mistakes_of_meaning_at_once(tmp_path):
    found, _ = mistakes(tmp_path, WRONG)
    assert "did you mean 'adam'" in found[4] or "adamw" in found[4]
    assert "momentun" in found[7]
    assert "'l2'" in found[9]
    assert "space.lr" in found[11]
    assert "ema+sgd" in found[12]
    assert "passes is no setting here" in found[16]
    assert len(found) == 6


COUNTS = """methods = ["lbfgs", "lookahead+sgd"]
scenarios = ["plain"]
[tune]
trials = 8
[method.lbfgs.space]
history = [2, 9]
batch_size = [1000, 3000, "log"]
lr = [1, 2]
[method."lookahead+sgd".space]
"lookahead.k" = [2, 20]
"lookahead.alpha" = [0.3, 0.7]
"""


def test_a_range_of_a_count_between_whole_numbers_is_of_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "counts.toml"
    path.write_text(COUNTS)
    study, recipes = read_study(path)
    whole: dict[str, bool] = {}
    for cell in study.cells:
        assert cell.tune is not None
        for key, span in cell.tune.space.items():
            assert isinstance(span, Span)
            whole[key] = span.whole
    assert whole == {"history": True, "batch_size": True, "lr": False,
                     "lookahead.k": True, "lookahead.alpha": False}  # fmt: skip
    drawn = {recipe.method.settings["history"] for recipe in recipes[0]}
    assert len(drawn) > 3
    assert drawn <= set(range(2, 11))  # the default's 10 is tried too


RECORD = """methods = ["sgd", "muon"]
scenarios = ["plain"]
seeds = 10
first_seed = 200
[record]
goal = "the best"
above = 90.24
[tune]
trials = 2
"""


def test_a_record_has_a_bound(tmp_path):
    (path := tmp_path / "good.toml").write_text(RECORD)
    assert read_study(path)[0].record == Goal("the best", above=90.24)
    path.write_text(RECORD.replace("above = 90.24", "below = 0.25"))
    assert read_study(path)[0].record == Goal("the best", below=0.25)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("above = 90.24", "", 5, "has one bound"),
        ("above = 90.24", "above = 90\nbelow = 0.3", 5, "has one bound"),
        (
            "above = 90.24",
            "above = 902.4",
            7,
            "record.above = 902.4: expected a number above 0",
        ),
        ("above = 90.24", 'above = "90"', 7, "record.above = '90'"),
        ("above", "abvoe", 7, "unknown key 'record.abvoe'"),
        ('goal = "the best"', "goal = 3", 6, "record.goal is missing or no text"),
        ('goal = "the best"', "", 5, "record.goal is missing or no text"),
        ("seeds = 10", "seeds = 9", 3, "a record needs 10"),
        ("first_seed = 200", "", 5, "trials have seed 0"),
        ("[tune]\ntrials = 2", "", 5, "needs [tune]"),
        ('["plain"]', '["plain", "l2"]', 5, "2: plain; l2"),
    ],
)
def test_mistakes_of_a_record(tmp_path, old, new, line, said):
    assert old in RECORD
    found, _ = mistakes(tmp_path, RECORD.replace(old, new, 1))
    assert said in found[line]


def test_a_text_may_begin_as_editors_of_windows_begin_it(tmp_path):
    (path := tmp_path / "record.toml").write_text(RECORD, encoding="utf-8-sig")
    assert read_study(path)[0].record is not None


@pytest.mark.parametrize(("more", "line", "said"), [
    ("first_seed = 9223372036854775807", 6, "a seed is below 2^63"),
    ("[method.sgd]\nscenarios = []", 7, "sgd has no scenario"),
])  # fmt: skip
def test_what_would_compute_nothing_is_a_mistake(tmp_path, more, line, said):
    text = 'title = "x"\nscenarios = ["plain"]\nmethods = ["sgd"]\npasses = 1\nseeds = 2\n'
    found, count = mistakes(tmp_path, text + more + "\n")
    assert count == 1
    assert said in found[line]


@pytest.mark.parametrize("key", ["rules", "problem", "split", "passes"])
def test_what_a_leaderboard_has_one_of_is_nothing_to_search_for(tmp_path, key):
    text = (
        'title = "x"\nscenarios = ["plain"]\nmethods = ["sgd"]\npasses = 1\nseeds = 2\n'
        "[tune]\ntrials = 3\npasses = 0.5\n[method.sgd.space]\n"
        f'{key} = {{ pick = ["open"] }}\n'
    )
    found, count = mistakes(tmp_path, text)
    assert count == 1
    assert f"{key} is nothing that a search may choose" in found[10]


def test_a_record_on_a_frontier_is_about_nets_of_one_size(tmp_path):
    thin = RECORD.replace('"plain"', '"frontier"') + '[settings]\nconstraint = "magnitude"\n'
    found, _ = mistakes(tmp_path, thin + '[vary]\n"constraint.keep" = [600, 300]\n')
    assert "2: frontier, 600 weights; frontier, 300 weights" in found[5]
    (path := tmp_path / "thin.toml").write_text(thin + '"constraint.keep" = 600\n')
    assert read_study(path)[0].record is not None


def test_no_toml(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("a = [")
    with pytest.raises(UserError, match=r"bad\.toml is no TOML"):
        read_study(path)


def test_settings_go_from_the_general_to_the_special(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(
        """scenarios = ["plain", "sparse"]
methods = ["sgd", "ema+sgd"]
limit = 9
[settings]
lr = 0.1
batch_size = 32
[scenario.sparse]
constraint = "magnitude"
lr = 0.2
[method."ema+sgd"]
scenarios = ["sparse"]
settings = { lr = 0.3, schedule = "linear" }
[vary]
batch_size = [16, 64]
"""
    )
    study, recipes = read_study(path)
    said = [
        (c.place.name, c.place.scenario, r[0].method.settings["lr"], r[0].batch_size)
        for c, r in zip(study.cells, recipes, strict=True)
    ]
    assert said == [
        ("sgd, batch_size=16", "plain", 0.1, 16),
        ("sgd, batch_size=64", "plain", 0.1, 64),
        ("sgd, batch_size=16", "sparse", 0.2, 16),
        ("sgd, batch_size=64", "sparse", 0.2, 64),
        ("ema+sgd, batch_size=16", "sparse", 0.3, 16),
        ("ema+sgd, batch_size=64", "sparse", 0.3, 64),
    ]
    assert study.cells[-1].place.family == "noise_reduction"
    assert (study.passes, study.seeds, study.limit, study.name) == (10.0, 10, 9.0, "good")


NAMES = """methods = ["sgd"]
scenarios = ["plain"]
passes = 1
seeds = 1
[tune]
trials = 6
"""


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ('[settings]\nbatch_size = 64\n[method.sgd.settings]\n"plan.size" = 128\n', {128}),
        ('[settings]\nplan = "fixed:size=64"\n[method.sgd.settings]\nbatch_size = 128\n', {128}),
        ('[method.sgd.space]\n"plan.size" = { pick = [128, 256] }\n', {64, 128, 256}),
        (
            '[settings]\nplan = "fixed:size=32"\n'
            "[method.sgd.space]\nbatch_size = { pick = [128, 256] }\n",
            {32, 128, 256},
        ),
        (
            '[method.sgd.space]\nplan = { pick = ["fixed:size=128", "geometric:size=256"] }\n',
            {64, 128, 256},
        ),
    ],
)
def test_a_setting_is_the_same_by_any_of_its_names(tmp_path: Path, text: str, sizes: set[int]):
    """What stands later or is searched goes before what stands above, and its rate fits it."""
    path = tmp_path / "names.toml"
    path.write_text(NAMES + text)
    _, (recipes,) = read_study(path)
    assert {recipe.batch_size for recipe in recipes} == sizes


def test_what_varies_is_called_shortly_where_that_is_clear(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text(
        'methods = ["sgd"]\nscenarios = ["frontier"]\npasses = 1\nseeds = 1\n'
        '[settings]\nconstraint = "magnitude"\nschedule = "1/t"\n'
        '[vary]\n"constraint.keep" = [408]\n"schedule.tau" = [2]\n'
    )
    study, _ = read_study(path)
    assert [cell.place.name for cell in study.cells] == ["sgd, keep=408, tau=2"]
    path.write_text(path.read_text().replace('"schedule.tau" = [2]', '"keep" = [1]'))
    with pytest.raises(UserError, match="keep"):
        read_study(path)


def test_a_varied_setting_is_written_alike_in_a_file_a_grid_and_a_search(tmp_path):
    (path := tmp_path / "s.toml").write_text(
        'methods = ["torch.optim:SGD"]\nscenarios = ["plain"]\npasses = 1\nseeds = 1\n'
        "[settings]\nmomentum = 0.9\n[vary]\nnesterov = [true]\nlr = [0.00001]\n"
    )
    (cell,) = read_study(path)[0].cells
    vary = {"nesterov": [True], "lr": [1e-5]}
    (job,) = jobs(["torch.optim:SGD"], vary, 1, {"momentum": 0.9})
    given = {"nesterov": True, "lr": 1e-5}
    found = search_cell("torch.optim:SGD", "plain", Tuning(1, 1.0), given)
    assert cell.place.variant == "nesterov=true, lr=1e-05"
    assert job.label == f"torch.optim:SGD, {cell.place.variant}"
    assert found.place.variant == "lr=1e-05, nesterov=true"


def test_the_course_study_has_the_trials_that_tuning_draws():
    from pathlib import Path

    study, recipes = read_study(Path(__file__).parents[3] / "studies" / "course.toml")
    assert len(study.cells) >= 75
    assert all(len(own) == 13 for own in recipes)
    at = next(i for i, c in enumerate(study.cells) if c.place.method == "muon"
              and c.place.scenario == "sparse")  # fmt: skip
    wanted = trials("course", "muon", "sparse", Tuning(12, 5.0), {"constraint": "magnitude"})
    assert recipes[at] == wanted
