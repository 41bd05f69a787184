"""What is said of results in words, each sentence only where it is true of these runs.

Page, paper and `lenetlab compare` take their sentences from here. What a sentence rests on is read
from the rows: how many seeds there are, which machines, what was tuned, what could be compared. A
folder of single runs has no plan, so nothing is said of one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from lenetlab.analysis.board import Board
from lenetlab.analysis.comparison import FEWEST
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.plural import count as count  # page and paper take it from here
from lenetlab.problem.problems import DEFAULT, title_of
from lenetlab.problem.scenarios import RULE_SETS, recorded_scenario
from lenetlab.records.cells import Results, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.report.attachments import LeaderNet


def passes(amount: float) -> str:
    """`10 effective passes`."""
    return f"{amount:g} effective pass" + ("" if amount == 1 else "es")


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = parts
    return f"{', '.join(rest)} and {last}" if rest else last


def spread(values: Sequence[int], thing: str) -> str:
    """`10 seeds`, `1 to 3 seeds`."""
    least, most = min(values), max(values)
    return count(most, thing) if least == most else f"{least:,} to {count(most, thing)}"


def seeds_of(results: Results) -> list[int]:
    """How many finals with a result a cell has, of those that have one."""
    done = (sum(row.done for row in cell.finals) for cell in results.cells)
    return [n for n in done if n]


def subject(results: Results) -> str:
    """Who trains what."""
    if not results.cells:
        return "No method has been planned."
    begun = results.begun()
    methods = len({cell.place.method for cell in begun})
    settings = len({cell.place.name for cell in begun})
    families = {cell.place.family for cell in begun} - {""}
    of = f" of {len(families)} families" if len(families) > 1 else ""
    at = f" at {count(settings, 'setting')}" if settings > methods else ""
    train = "trains" if methods == 1 else "train"
    return (
        f"{count(methods, 'method')}{of}{at} {train} one fixed LeNet-5 (44,426 parameters) on "
        f"{_on(results)}, in {_where(results)}."
    )


def problems_of(results: Results) -> list[str]:
    """The problems of the leaderboards, in their order; the usual one where there is none."""
    return list(dict.fromkeys(contest.problem for contest in results.contests())) or [DEFAULT]


def _on(results: Results) -> str:
    return joined([title_of(name) for name in problems_of(results)])


def _where(results: Results) -> str:
    scenarios = list(dict.fromkeys(contest.scenario for contest in results.contests()))
    return f"scenario {scenarios[0]}" if len(scenarios) == 1 else f"{len(scenarios)} scenarios"


def tuning(results: Results) -> str:
    """Where the settings are from."""
    return " ".join(_tuning(results))


def _tuning(results: Results) -> Iterator[str]:
    begun = [cell for cell in results.cells if cell.begun]
    if not results.planned:
        yield "These are single runs and no study: how their settings were chosen is not recorded."
        held = sum(len(cell.trials) for cell in begun)
        if held:
            yield (
                f"{count(held, 'run')} on held-out training images (--split inner) "
                f"{'is' if held == 1 else 'are'} shown beside them and ranked nowhere."
            )
        return
    if not results.tuned:
        yield (
            "Nothing was tuned in this study: a method has the settings that the study’s file "
            "gives, and else its own defaults."
        )
        return
    yield (
        f"A method is tuned by {count(results.trials, 'trial')} of "
        f"{passes(results.tuning_passes)} in every scenario{_everywhere(results)}, no matter how "
        f"many settings it has. "
        f"Trials train on {_inner(results)}; the test set is not opened."
    )
    carried = dict.fromkeys(cell.place.tuned_on for cell in results.cells if cell.place.tuned_on)
    if carried:
        others = [name for name in problems_of(results) if name not in carried]
        yield (
            f"On {joined([title_of(name) for name in others])} nothing is tuned: a method has the "
            f"recipe that was found on {joined([title_of(name) for name in carried])}, unchanged."
        )
    confirm = results.stages.confirm
    if confirm:
        yield (
            f"The best {confirm} are run again for {passes(results.passes)} with "
            f"{count(results.stages.confirm_seeds, 'fresh seed')} each; the best mean decides, and "
            "a run that fails or collapses disqualifies its recipe."
        )
    if results.seeds:
        which = "that was chosen so" if confirm else "of the best trial"
        everything = "all 60,000" if problems_of(results) == [DEFAULT] else "all training images"
        yield f"The recipe {which} is then trained on {everything} and measured on the test set."
    begun = [cell for cell in begun if not cell.place.tuned_on]
    short = sum(0 < len(cell.trials) < results.trials for cell in begun)
    if short:
        yield f"{short} of {count(len(begun), 'method')} begun have not all of their trials yet."
    without = list(dict.fromkeys(cell.place.name for cell in begun if not cell.trials))
    if without:
        yield f"Run with settings as they were given, without trials: {', '.join(without)}."


def _everywhere(results: Results) -> str:
    """Where tuning was done on more problems than one."""
    tuned = {cell.place.problem for cell in results.cells if not cell.place.tuned_on}
    return " of every problem" if len(tuned) > 1 else ""


def _inner(results: Results) -> str:
    if problems_of(results) == [DEFAULT]:
        return "the first 50,000 training images and are scored on the other 10,000"
    return "the first five sixths of the training images and are scored on the others"


def budget(results: Results) -> str:
    """How long a run is, and what is ranked together."""
    said = []
    if results.planned and results.seeds:
        said.append(
            f"Every run on the test set ends at {passes(results.passes)}, fixed beforehand, and "
            "its last point is what counts, never its best."
        )
    elif not results.planned:
        shared = "scenario" if problems_of(results) == [DEFAULT] else "problem, scenario"
        said.append(
            "A run ends at the budget in its recipe, and its last point is what counts, never its "
            f"best. Only runs of the same {shared}, rules and budget are ranked together."
        )
    terms = [contest.terms for contest in results.contests()]
    if any("epoch" in text for text in terms):
        said.append("A budget is in epochs where an epoch did not cost one effective pass.")
    if any("weights" in text for text in terms):
        said.append("On a frontier, only nets that may keep as many weights are ranked together.")
    return " ".join(said)


def prices(results: Results) -> str:
    """What is charged beside gradients, as the rows were: one without prices is of the first."""
    forwards = {(row.numerics.get("prices") or {}).get("forwards") for row in results.rows()}
    if not forwards:
        return ""
    ordered = sorted(forwards, key=lambda price: price or 0)
    counts = joined(["a third" if price is None else f"{price:g}" for price in ordered])
    return (
        f"A forward pass alone counts {counts}{', by when it ran' * (len(forwards) > 1)}, products"
        " with the curvature what they take, and factorizations are counted apart."
    )


def ends(results: Results) -> str:
    """What a result is the mean of."""
    seeds = seeds_of(results)
    if not seeds:
        return "No run on the test set has a result."
    fewer = results.planned and min(seeds) < results.seeds
    planned = f" of {results.seeds} planned" if fewer else ""
    of = f" and {passes(results.passes)}" if results.planned else ""
    return f"Every result is over {spread(seeds, 'seed')}{planned}{of}."


def intervals(results: Results) -> str:
    """What stands beside a mean."""
    seeds = seeds_of(results)
    if not seeds:
        return ""
    if max(seeds) == 1:
        return "Of a single seed there is no interval: any difference may be luck."
    single = "; of a single seed there is none, and a difference may be luck" if 1 in seeds else ""
    return (
        f"Means over {spread([n for n in seeds if n > 1], 'seed')} are given with Student’s 95 % "
        f"interval{single}. The bands of curves are bootstrapped."
    )


def comparisons(boards: Sequence[Board]) -> str:
    """With what methods are compared, and how."""
    compared = [board for board in boards if board.compared]
    if not compared:
        return (
            "No difference is tested: for that, two methods of a leaderboard need two seeds in "
            "common, and no failed run."
        )
    return " ".join(_comparisons(compared))


def _comparisons(compared: Sequence[Board]) -> Iterator[str]:
    if any(board.led for board in compared):
        yield (
            "The leader of a leaderboard is the method whose best trial was best on the held-out "
            "images; the test set has no part in that. The others are compared with it."
        )
    if not all(board.led for board in compared):
        who = "the first of the study" if compared[0].planned else "the one with the most seeds"
        yield (
            "Where nothing was chosen on held-out images there is no leader: the others are "
            f"compared with {who}. To take the highest mean would be to pick it by its luck."
        )
    if any(len(board.compared) >= FEWEST for board in compared):
        yield (
            "The test is a t test in pairs of equal seeds, its variance drawn towards what the "
            "methods have in common where there are enough of them (Smyth 2004)."
        )
    else:
        yield "The test is a paired t test, in pairs of equal seeds."
    if any(len(board.compared) > 1 for board in compared):
        yield (
            "The p-values are corrected by Holm’s rule for all comparisons of a leaderboard, and "
            "the intervals of the differences hold together."
        )
    yield "What is not significant at one in twenty is called a tie."


def progress(results: Results) -> str:
    """How far it is, and what failed."""
    rows = results.rows()
    finals = [row for cell in results.cells for row in cell.finals]
    done = sum(row.done for row in finals)
    if results.planned:
        said = [f"{done:,} of {results.seeds * len(results.cells):,} final runs have a result."]
    else:
        said = [f"{done:,} of {count(len(finals), 'run')} on the test set "
                f"{'has' if done == 1 else 'have'} a result."]  # fmt: skip
    if results.tuned:
        tuned = [cell for cell in results.cells if not cell.place.tuned_on]
        trials = [row for cell in tuned for row in cell.trials]
        planned = results.trials * len(tuned)
        said.append(f"{sum(row.done for row in trials):,} of {planned:,} trials have one.")
    failed = Counter(row.status for row in rows if not row.done)
    if failed:
        kinds = ", ".join(f"{n:,} {status}" for status, n in failed.most_common())
        said.append(f"Ended without one: {kinds}; each is listed with its reason.")
    return " ".join(said)


def failed(results: Results) -> str:
    """What becomes of runs that failed."""
    rows = results.rows()
    n = sum(not row.done for row in rows)
    if not n:
        return f"None of the {count(len(rows), 'run')} failed." if rows else ""
    those = "has no result. It is" if n == 1 else "have no result. They are"
    counts = "counts" if n == 1 else "count"
    return (
        f"{n:,} of {count(len(rows), 'run')} {those} shown with the reason, and {counts} as not "
        "having reached a target."
    )


def device(row: RunRow) -> str:
    """What a run was computed by, in one line; what is not recorded is left out."""
    at, by = row.machine, row.numerics
    cores, threads = at.get("cores"), at.get("threads")
    parts = [
        at.get("processor"),
        count(cores, "core") if cores else None,
        at.get("system"),
        f"{count(threads, 'thread')} a run" if threads else None,
        f"lenetlab {at['lenetlab']}" if at.get("lenetlab") else None,
        f"Python {at['python']}" if at.get("python") else None,
        f"PyTorch {by['torch']}" if by.get("torch") else None,
        f"engine {by.get('engine')} on {by.get('device')}"
        + (f" ({by['capability']})" if by.get("capability") else ""),
    ]
    return ", ".join(str(part) for part in parts if part)


def devices(rows: Iterable[RunRow]) -> list[str]:
    """A line for each kind of machine, that of most runs first, each with its runs."""
    kinds = Counter(device(row) for row in rows)
    if len(kinds) == 1:
        return [f"{kind}." for kind in kinds]
    return [f"{kind}: {count(n, 'run')}." for kind, n in kinds.most_common()]


def seconds(results: Results) -> str:
    """What the clock is worth here."""
    rows = [row for row in results.rows() if row.train_seconds is not None]
    if not rows:
        return ""
    if results.timed:
        return results.timed
    machines = {(row.machine.get("processor"), row.machine.get("cores")) for row in rows}
    where = "the machine" if len(machines) == 1 else f"the {len(machines)} kinds of machine"
    threads = {row.machine.get("threads") for row in rows}
    known = sorted(n for n in threads if n)
    many = " or ".join(map(str, known))
    by = f", with {many} {'thread' if known == [1] else 'threads'} a run" if known else ""
    said = [
        f"Seconds are those of the runs themselves and of {where} named above{by}; what else "
        "ran beside is not recorded.",
        "The same run has the same bits on machines of one kind; on another its accuracy may "
        "differ a little, and its seconds by much.",
    ]
    kinds = {tuple(str(row.numerics.get(key)) for key in KIND) for row in rows}
    if len(kinds) > 1:
        said.append(
            f"These runs were computed in {len(kinds)} such ways, by engine, PyTorch or processor."
        )
    return " ".join(said)


EQUAL_TIME = (
    f"Every method at the CPU time that plain SGD ({REFERENCE}) takes for its whole budget, by its "
    "last measurement until then. A cheaper method had ended before; a more expensive one is cut "
    "off in the middle of its schedule, while its rate is still high, and might do better with a "
    "schedule for that time."
)
KIND = ("engine", "torch", "capability", "device", "kernel")  # of the numerics: not the method's


def limits(results: Results) -> list[str]:
    """What the results do not say."""
    one = len({contest.terms for contest in results.contests()}) < 2
    found = [
        f"One network, one data set{', one budget' if one else ''}. A method that is slow here "
        f"may be fast where batches{', nets or budgets' if one else ' or nets'} are larger."
    ]
    if max(seeds_of(results), default=0) > 1:
        found.append(
            "An interval is about the luck of seeds. It is not about the luck of these 10,000 test "
            "images (at 90 % right some 0.6 points either way), which is common to all methods, so "
            "that comparisons in pairs feel little of it."
        )
    if results.tuned:
        found.append(
            f"Tuning is part of the result: with more than {count(results.trials, 'trial')} some "
            "methods might stand higher."
        )
    else:
        found.append(
            "A leaderboard says as much of the settings as of the methods: they were not tuned "
            + ("here." if results.planned else "here by one rule for all.")
        )
    if said := seconds(results):
        found.append(said)
    none = results.tuned and all(cell.trials for cell in results.cells if cell.finals)
    found.append(PICKED_TARGETS + (RECIPES * none))
    return found


PICKED_TARGETS = "Of the targets, those that say so were picked on the test set."
RECIPES = (
    " These recipes are the best trials on held-out images; but the spaces that they were searched "
    "in were drawn by people who had seen test results (protocol, Tuning)."
)


def about(results: Results, boards: Sequence[Board]) -> list[str]:
    """The page's beginning: the protocol, how far it is, where it was computed."""
    protocol = [subject(results)]
    if results.cells:
        protocol += [tuning(results), budget(results), intervals(results)]
    if any(not board.led and len(board.measured) > 1 for board in boards):
        protocol.append(PICKED)
    lines = devices(results.rows())
    return [
        text
        for text in (
            " ".join(part for part in protocol if part),
            progress(results) if results.cells else "",
            f"Computed by {' '.join(lines)}" if lines else "",
        )
        if text
    ]


PICKED = (
    "Where there is no leader, the highest mean is named: it was picked on the test set, and so "
    "flatters."
)


def compared_with(board: Board, called: Callable[[str], str] = str) -> str:
    """Who the reference of a leaderboard is, as it is `called`, and why; what cannot be compared is
    said."""
    if board.reference is None:
        return f"Nothing is compared: {board.chosen}." if board.begun else ""
    name = called(board.reference.place.name)
    if board.led:
        said = f"The leader is {name}: {board.chosen}."
        none = board.lead is not None and board.lead.runs == 0
        return f"{said} It has no run on the test set yet." if none else said
    if not board.compared:
        if len(board.measured) < 2:
            return ""
        if board.chosen == "as asked":
            return f"Nothing can be compared with {name}."
        return (
            "Nothing is compared: for that, two methods need two seeds in common and no failed run."
        )
    return f"Everything is compared with {name}: {board.chosen}."


def untested(board: Board) -> str:
    """Why lines were not compared, each reason with its number."""
    reasons = Counter(line.reason for line in board.begun
                      if line.standing == "untested" and line.reason)  # fmt: skip
    return "; ".join(f"{reason} ({n})" if n > 1 else reason for reason, n in reasons.items())


def scenarios(results: Results) -> list[tuple[str, str]]:
    """What is minimised and what is allowed, by scenario and rules."""
    pairs = dict.fromkeys((c.scenario, c.rules) for c in results.contests())
    more = {"strict": "", "open": "; augmentation of the training images allowed"}
    return [
        (Contest(scenario, rules).title,
         recorded_scenario(scenario).description + more.get(rules, f"; rules {rules}"))
        for scenario, rules in pairs
    ]  # fmt: skip


def freedoms(results: Results) -> str:
    """What changes beside optimizer, settings, batch size and schedule."""
    recipes = [row.recorded for row in results.rows()]
    more = []
    if any(recipe.augmentation for recipe in recipes):
        more.append("the augmentation of the training images")
    if any(recipe.constraint is not None for recipe in recipes):
        more.append("which weights are kept")
    if any(recipe.initialisation.name != "starter" for recipe in recipes):
        more.append("the first weights")
    return f"; beside these, {joined(more)}" if more else ""


def images(results: Results) -> str:
    """What is trained on, and what is measured on."""
    finals = any(cell.finals for cell in results.cells) or results.seeds
    if problems_of(results) != [DEFAULT]:
        trained = "all training images" if finals else "the first five sixths of training images"
        measured = "on the test images" if finals else "on the others; the test set is not opened"
        return f"It is trained on {trained} of {_on(results)} and measured {measured}."
    if finals:
        return (
            "It is trained on the 60,000 training images of Fashion-MNIST and measured on its "
            "10,000 test images."
        )
    return (
        "It is trained on the first 50,000 training images of Fashion-MNIST and measured on the "
        "other 10,000 of them; the test set is not opened."
    )


def baseline(row: RunRow | None) -> str:
    """What was measured of the script's training: the whole of it, or less; on which machine."""
    if row is None or not row.done or row.train_seconds is None:
        return ""
    unit, amount = row.recorded.budget
    whole = row.recorded.budget == RecordedRecipe.budget
    less = passes(amount) if unit == "passes" else f"{amount:g} epoch{'s' * (amount != 1)}"
    what = "The same training" if whole else f"The same training for {less}"
    where = f" on {row.machine['processor']}" if row.machine.get("processor") else ""
    threads = row.machine.get("threads")
    by = f" with {count(threads, 'thread')}" if threads else ""
    return f"{what} (seed {row.seed}) took {row.train_seconds:.3g} s{where}{by}."


def of_leaders(leader_nets: Sequence[LeaderNet], boards: Sequence[Board]) -> list[LeaderNet]:
    """Those that still lead: runs may have come since they were evaluated."""
    ids = {row.id for board in boards if board.led and board.reference is not None
           for row in board.reference.finals}  # fmt: skip
    return [leader_net for leader_net in leader_nets if leader_net.id in ids]


def again(results: Results, boards: Sequence[Board]) -> tuple[str, list[str]]:
    """What computes it again, in words, and the commands: of a study, or of every recipe."""
    if results.again:
        said = "This computes the whole study, as this version of lenetlab plans it:"
        return said, [results.again]
    if results.planned:
        return "", []
    commands = [line.command for board in boards for line in board.begun if line.command]
    return "These commands compute the lines of the leaderboards again:", commands


def contest_about(board: Board, called: Callable[[str], str] = str) -> str:
    """What is minimised and what is allowed on a leaderboard, and who is ranked on it; methods are
    as they are `called`."""
    scenario, rules, terms, norms, problem = board.contest
    said = recorded_scenario(scenario).description
    text = f"{said[0].upper()}{said[1:]}. Rules {rules}: {RULE_SETS.get(rules, 'unknown')}."
    if problem != DEFAULT:
        text = f"On {title_of(problem)}: {said}. Rules {rules}: {RULE_SETS.get(rules, 'unknown')}."
    if terms:
        text += f" Only runs of {terms} are ranked here."
    if norms:
        text += f" {FREE}"
    elif bound := _bound(board, called):
        text += f" {bound}"
    return text


FREE = "Only methods that leave the norms of weights free are ranked here."


def _bound(board: Board, called: Callable[[str], str]) -> str:
    """Who is not on the leaderboard of free norms beside this one, where there is one."""
    others = [called(line.name) for line in board.begun if line.cell.place.norms != "free"]
    if board.scenario != "plain" or not others or len(others) == len(board.begun):
        return ""
    keep = "keeps" if len(others) == 1 else "keep"
    return (
        f"All methods are ranked here; {joined(others)} {keep} norms small by a ball, a sphere or "
        "a penalty, which does what weight decay does: without them, see the next leaderboard."
    )
