"""Made-up results of a study, for everything that reads results: same arguments, same rows."""

import random
from collections.abc import Sequence
from dataclasses import replace

from lenetlab.records.cells import CONFIRMATION, FINAL, LEADER, TRIAL, Cell, Results, RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.selection import Stages

FAMILIES = ("basic", "momentum", "adaptive", "second_order", "matrix")
EVAL_AT = (0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def made_up(
    methods: Sequence[str] = ("sgd", "nesterov", "adamw", "soap", "muon"),
    scenarios: Sequence[str] = ("plain", "l2", "sparse"),
    seeds: int = 10,
    trials: int = 12,
    failing: Sequence[str] = (),
) -> Results:
    """Each method a little better than the one before; those in `failing` diverge everywhere."""
    cells = []
    for scenario in scenarios:
        for i, method in enumerate(methods):
            draw = random.Random(f"{scenario} {method}")
            place = CellKey(method, FAMILIES[i % len(FAMILIES)], scenario)
            level = 88.0 + 2.5 * i / max(len(methods) - 1, 1) + draw.gauss(0, 0.05)
            bad = method in failing
            cells.append(
                Cell(
                    place,
                    tuple(row(TRIAL, k, method, level - draw.expovariate(1.0), draw, scenario,
                              bad or draw.random() < 0.05) for k in range(trials)),
                    tuple(row(FINAL, k, method, level, draw, scenario, bad) for k in range(seeds)),
                )
            )  # fmt: skip
    return Results("made-up", "A made-up study", trials, 5.0, seeds, 10.0, tuple(cells))


def row(
    role: str,
    number: int,
    method: str,
    level: float,
    draw: random.Random,
    scenario: str = "plain",
    failed: bool = False,
) -> RunRow:
    """One run that ends near `level` percent."""
    final = role == FINAL
    amount = 10.0 if final else 5.0
    lr = round(10 ** draw.uniform(-3, -1), 5)
    batch = draw.choice([32, 64, 128, 256, 512])
    recipe = {
        "method": [method.split("+")[-1], {"lr": lr}],
        "plan": ["fixed", {"size": batch}],
        "schedule": ["linear", {"warmup": 0.1}],
        "budget": ["passes", amount],
        **({} if scenario == "plain" else {"scenario": scenario}),
        **({} if final else {"split": "inner"}),
    }
    correct = round((level + draw.gauss(0, 0.2)) * 100)
    evaluations = []
    for at in [x for x in EVAL_AT if x <= amount] if not failed else []:
        accuracy = correct / 100 - 25 * (1 - at / amount) ** 2 / (1 + 4 * at)
        evaluations.append(
            {"at": at, "passes": at, "steps": int(at * 60000 / batch),
             "gradients": int(at * 60000), "accuracy": round(accuracy, 2),
             "loss": round(0.25 + (91 - accuracy) / 20, 4), "nonzeros": 24480,
             "seconds": round(0.5 * at, 4), "cpu_seconds": round(0.7 * at, 4)}
        )  # fmt: skip
    end = evaluations[-1] if evaluations else None
    return RunRow(
        role=role,
        number=number,
        id=f"{draw.getrandbits(64):016x}",
        status="diverged" if failed else "done",
        reason="loss is nan at step 17" if failed else None,
        label=f"{method}:lr={lr}",
        recipe=recipe,
        seed=number if final else 0,
        accuracy=end and end["accuracy"],
        loss=end and end["loss"],
        starter_average_loss=end and round(end["loss"] / 63.7, 6),
        correct=end and round(end["accuracy"] * 100),
        nonzeros=24480 if end else None,
        train_accuracy=end and round(end["accuracy"] + 3, 2),
        train_loss=end and round(0.8 * end["loss"], 4),
        passes=amount if end else 0.1,
        epochs=amount if end else 0.1,
        steps=int(amount * 60000 / batch) if end else 17,
        ledger_counts={"gradients": int(amount * 60000), "forwards": 0, "factorizations": 0},
        discarded_passes=0.0,
        train_seconds=0.5 * amount,
        cpu_seconds=0.7 * amount,
        overhead_seconds=0.3,
        peak_memory_mb=400.0,
        evaluations=evaluations,
        numerics={"engine": "native", "torch": "2.13.0+cpu", "capability": "AVX512",
                  "device": "cpu", "method_version": 1, "kernel": "0123456789abcdef"},
        machine={"lenetlab": "0.1.0", "python": "3.11.2", "system": "Linux x86_64",
                 "processor": "a processor", "cores": 2, "threads": 1, "git": "abcdef123456"},
    )  # fmt: skip


def with_stages(results: Results, best: int = 2, searches: int = 2) -> Results:
    """The same study with what follows on trials: two confirmations of the best trial of each cell,
    and of the `best` cells of a leaderboard three leader runs and so many further searches."""
    cells, further = [], []
    for contest in results.contests():
        draw = random.Random(f"stages {contest.key}")
        here = [cell for cell in results.within(contest) if cell.best is not None]
        first = sorted(here, key=lambda cell: -(cell.best.accuracy or 0.0) if cell.best else 0.0)
        for cell in results.within(contest):
            if cell in first:
                cell = _confirmed(cell, draw)
                if cell.place in [one.place for one in first[:best]]:
                    cell = replace(cell, leading=_more(cell, LEADER, 2001, 3, draw))
                    places = [replace(cell.place, search=k + 2) for k in range(searches)]
                    further += [_confirmed(Cell(place, cell.trials), draw) for place in places]
            cells.append(cell)
    stages = Stages(1, 2, best, 3, best, searches)
    return replace(results, cells=tuple(cells), searches=tuple(further), stages=stages)


def _confirmed(cell: Cell, draw: random.Random) -> Cell:
    return replace(cell, confirmations=_more(cell, CONFIRMATION, 1001, 2, draw))


def _more(cell: Cell, role: str, seed: int, runs: int, draw: random.Random) -> tuple[RunRow, ...]:
    """The best trial run again, a little better since longer."""
    best = max((row for row in cell.trials if row.done), key=lambda row: row.accuracy or 0.0)
    assert best.accuracy is not None
    return tuple(
        replace(best, role=role, number=best.number if role == CONFIRMATION else seed + k,
                seed=seed + k, id=f"{draw.getrandbits(64):016x}",
                accuracy=round(best.accuracy + draw.uniform(0.1, 0.5), 2))
        for k in range(runs)
    )  # fmt: skip
