"""What the lab itself costs: planning, tables and overhead with stub runs, workers with real ones.

    python benchmarks/study.py [--runs 100000] [--out runs/bench-study] [--json FILE]

Stub runs compute nothing, so that what is measured is the lab: naming, handing out, recording,
reading. Real runs are SGD at two effective passes. Run it with nothing else running; it takes six
minutes, four of them for recording 100,000 runs (`--runs 50000` stays under four).
"""

import argparse
import json
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetlab.openmp import wait_briefly

wait_briefly()

if TYPE_CHECKING:
    from collections.abc import Callable

    from lenetlab.experiments.study.executors import Executor
    from lenetlab.experiments.study.pending import StudyPlan

METHODS = 37


def study_of(folder: Path, runs: int) -> Path:
    """A study file with about `runs` finals, untuned."""
    from lenetlab.methods.registry import methods

    names = [m.name for m in methods().values() if m.decay != "none"][:METHODS]
    path = folder / "bench.toml"
    scenarios = 3
    seeds = -(-runs // (len(names) * scenarios))
    listed = ", ".join(f'"{name}"' for name in names)
    path.write_text(
        f'methods = [{listed}]\nscenarios = ["plain", "l2", "sparse"]\nseeds = {seeds}\n'
        "passes = 10\n[scenario.l2]\nweight_decay = 0.001\n"
        '[scenario.sparse]\nconstraint = "magnitude"\n'
    )
    return path


def planned(file: Path, folder: Path) -> "StudyPlan":
    """The plan of the study, with the ids that real runs would have."""
    from lenetlab.experiments.study.pending import StudyPlan
    from lenetlab.experiments.study.run_ids import Names
    from lenetlab.experiments.study.store import Store
    from lenetlab.experiments.study.study_file import read_study
    from lenetlab.experiments.study.worker import Setup, runtime_of

    study, recipes = read_study(file)
    plan = StudyPlan(study, recipes, Names(runtime_of(Setup())), Store(folder), folder / "results")
    plan.lacking()
    return plan


def finish(plan: "StudyPlan", executor: "Executor") -> float:
    """Seconds to compute and record everything."""
    from lenetlab.experiments.study.coordinator import run_study
    from lenetlab.experiments.study.publish import Publisher

    folder = plan.results.parent
    begin = time.perf_counter()
    run_study(plan, executor, Publisher(plan, folder / "published.json"), lambda status, line: None)
    return time.perf_counter() - begin


def left(plan: "StudyPlan") -> int:
    """Runs that are to be computed."""
    return sum(len(plan.missing(cell)) for cell in plan.cells)


def read_data() -> None:
    """What is no part of planning."""
    from lenetlab.experiments.study.worker import Setup, runtime_of

    for split in ("official", "inner"):
        runtime_of(Setup()).load(split)


def nothing_to_do(file: Path, store: Path) -> float:
    """Seconds until the plan of a finished study says so."""
    read_data()
    begin = time.perf_counter()
    assert left(planned(file, store)) == 0
    return time.perf_counter() - begin


def tables(results: Path) -> float:
    """Seconds for the leaderboards of all scenarios from the rows of text."""
    from lenetlab.analysis.board import board
    from lenetlab.records.rows import read_results

    begin = time.perf_counter()
    found = read_results(results)
    for place in found.contests():
        board(found, place)
    return time.perf_counter() - begin


def peak_memory() -> float:
    """Of this process, MB. Linux only: getrusage would count what its parent had before exec."""
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) * 1024 / 1e6


def apart(function: "Callable[..., float]", *given: Path) -> tuple[float, float]:
    """What `function` gives in a process of its own, as a command is, and that one's memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *given).result(), pool.submit(peak_memory).result()


def stub_study(folder: Path, runs: int) -> dict[str, Any]:
    """Plan, record, plan again, tables."""
    from stub_worker import instant

    from lenetlab.experiments.study.executors.local import Local
    from lenetlab.experiments.study.worker import Setup

    file = study_of(folder, runs)
    store = folder / "store"
    read_data()
    found: dict[str, Any] = {}
    begin = time.perf_counter()
    plan = planned(file, store)
    found["planning, s"] = time.perf_counter() - begin
    n = left(plan)
    executor = Local(2, Setup(), instant)
    found["runs"] = n
    found["a run, local, ms"] = 1000 * finish(plan, executor) / n
    executor.close()
    found["memory of the coordinator, MB"] = peak_memory()
    seconds, memory = apart(nothing_to_do, file, store)
    found |= {"nothing to do, s": seconds, "memory of it, MB": memory}
    seconds, memory = apart(tables, plan.results)
    found |= {"tables, s": seconds, "memory of tables, MB": memory}
    found["bytes a record"] = sum(p.stat().st_size for p in store.glob("records/*/*.json")) / n
    found["bytes a run, index"] = (store / "index.json").stat().st_size / n
    return found


def over_dask(folder: Path, runs: int) -> dict[str, Any]:
    """The same over a Dask cluster on this machine."""
    from stub_worker import instant

    from lenetlab.experiments.study.executors.dask import connect
    from lenetlab.experiments.study.worker import Setup

    plan = planned(study_of(folder, runs), folder / "dask")
    n = left(plan)
    executor = connect("dask", Setup(), 2, instant)
    seconds = finish(plan, executor)
    executor.close()
    return {"a run, Dask, ms": 1000 * seconds / n}


def real_runs(runs: int) -> dict[str, Any]:
    """Wall seconds of the same real runs by 1 worker, 2 workers, 1 worker with 2 threads."""
    from lenetlab.experiments.recipe.recipe import make_recipe
    from lenetlab.experiments.study.executors.local import Local
    from lenetlab.experiments.study.model import Task
    from lenetlab.experiments.study.worker import Setup

    recipe = make_recipe("sgd", passes=2)
    found: dict[str, float] = {}
    for name, workers, threads in (("1 × 1", 1, 1), ("2 × 1", 2, 1), ("1 × 2", 1, 2)):
        executor = Local(workers, Setup(threads=threads))
        tasks = [Task(recipe, seed, "final", seed) for seed in range(runs)]
        # the first of every worker pays for imports and data
        warming = [Task(recipe, 100 + i, "final", i) for i in range(2 * workers)]
        for future in [executor.submit(task) for task in warming]:
            future.result()
        begin = time.perf_counter()
        for future in [executor.submit(task) for task in tasks]:
            future.result()
        found[f"{runs} runs, workers × threads {name}"] = time.perf_counter() - begin
        executor.close()
    one, two, threads2 = found.values()
    return found | {
        "parallel efficiency, 2 workers": one / (2 * two),
        "2 × 1 against 1 × 2": threads2 / two,
    }


def main() -> None:
    """Measure, print Markdown; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--dask-runs", type=int, default=2_000)
    parser.add_argument("--real", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-study"))
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    shutil.rmtree(given.out, ignore_errors=True)
    given.out.mkdir(parents=True)
    found = real_runs(given.real)
    found |= stub_study(given.out, given.runs)
    found |= over_dask(given.out, given.dask_runs)
    print("| what | found |\n| --- | --- |")
    for name, value in found.items():
        print(f"| {name} | {value:.4g} |")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
