"""Classes that were typed, not filed: in a notebook's cells, in a script. Real IPython, real
processes: what decides their bits is in the name of a run."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.methods.guests.load import hand_over
from lenetlab.methods.interactive import source_of, sources_of
from lenetlab.methods.lookup import find

START = """
import torch
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.identity import identify, numerics_of
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.methods.guests.load import hand_over
from lenetlab.problem.data import load

engine = TorchEngine(load("train").take(0, 100), torch.device("cpu"))

def name(method):
    recipe = make_recipe(method if isinstance(method, str) else hand_over(method))
    record = numerics_of(recipe, engine, torch.device("cpu"))
    print("NAME", identify(recipe, 0, "data", record)["id"])
"""
OWN = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure):
        loss = closure()
        p = [moved(q, SIZE) for q in self.param_groups[0]["params"]]
        return loss
"""
MOVED = "def moved(q, size):\n    return q.data.sub_(q.grad, alpha=size)\n"
SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    done = shell.run_cell(cell)
    if done.error_in_exec is not None:
        sys.exit(f"ERROR {done.error_in_exec}")
"""


def ran(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "IPYTHONDIR": str(cwd / ".ipython"), "PYTHONWARNINGS": "ignore"}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=env, capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip


def cells(cwd: Path, *texts: str) -> list[str]:
    """The names of runs that a notebook with such cells prints; its error if it ends with one."""
    done = ran("-c", SHELL, json.dumps([START, *texts]), cwd=cwd)
    if "ERROR" in done.stderr:
        return [done.stderr.strip().splitlines()[-1]]
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("NAME")]


def test_all_that_a_class_in_a_notebook_names_is_in_the_name_of_its_runs(tmp_path):
    again = "def unrelated():\n    pass\np = object()\nq = object()"  # its variables, not these
    names = cells(
        tmp_path,
        "SIZE = 0.1", MOVED, OWN, "name(Own)",
        again, OWN + "\nunrelated()", "name(Own)",
        "SIZE = 0.2", "name(Own)",
        "SIZE = 0.1", "name(Own)",
        MOVED.replace("q.grad", "2 * q.grad"), "name(Own)",
        MOVED, OWN.replace("return loss", "return 1 * loss"), "name(Own)",
        OWN, "name(Own)", "SIZE = torch.tensor(0.1)", "name(Own)",
        "SIZE = torch.tensor(0.1, dtype=torch.bfloat16)", "name(Own)",
    )  # fmt: skip
    first, cell, size, back, function, text, last, tensor, half = names
    assert first == cell == back == last
    assert len({first, size, function, text, tensor, half}) == 6


BARE = """
class Bare(torch.optim.SGD):
    space = {"lr": (0.01, 1.0, "log")}
    gradient_first = True
"""


def test_a_class_of_attributes_alone_is_named_by_them_and_by_what_it_extends(tmp_path):
    """It has no function by which its cell could be found; PyTorch gives it one, once built."""
    spans = BARE.replace('(0.01, 1.0, "log")', "log_uniform(0.01, 1.0)")
    named = [f"name(Bare)\n{more}" for more in ("Bare([torch.zeros(1)])", "")]
    names = cells(
        tmp_path, BARE, *named, BARE, named[1],
        BARE.replace("0.01", "0.02"), named[1],
        BARE.replace("SGD", "Adam"), named[1],
        "from lenetlab.component import log_uniform", spans, named[1],
        "SIZE = 0.1", MOVED, OWN, BARE.replace("torch.optim.SGD", "Own"), named[1],
        "SIZE = 0.2", named[1],
    )  # fmt: skip
    first, built, again, space, base, span, own, size = names
    assert first == built == again
    assert len({first, space, base, span, own, size}) == 6


TYPED = "import sys; sys.path.insert(0, '.')\nimport helper\nfrom helper import moved\nSIZE = 1"
WRITE = "open('helper.py', 'w').write({!r})"


@pytest.mark.parametrize(
    ("own", "changed"),
    [
        (OWN, MOVED.replace("q.grad", "-q.grad")),
        pytest.param(OWN, "\n" + MOVED, marks=pytest.mark.long),
        pytest.param(
            OWN.replace("moved(", "helper.moved("), MOVED + "K = 2\n", marks=pytest.mark.long
        ),
    ],
)
def test_a_module_beside_the_notebook_counts_and_is_refused_when_it_has_changed(
    tmp_path, own, changed
):
    """The kernel goes on with the module that it has imported."""
    (tmp_path / "helper.py").write_text(MOVED + "K = 1\n")
    names = cells(
        tmp_path, TYPED, own, "name(Own)",
        WRITE.format(changed if "K" in changed else changed + "K = 1\n"),
        "try:\n    name(Own)\nexcept Exception as error:\n    print('NAME', str(error)[:21])",
        "import importlib; importlib.reload(helper); from helper import moved", "name(Own)",
    )  # fmt: skip
    first, refused, changed = names
    assert refused == "helper.py"
    assert first != changed


METHOD = '''
from lenetlab.methods import Base, log_uniform, method

@method("typed", family="momentum", reference="me", defaults={"lr": 0.1},
        space={"lr": log_uniform(0.01, 1)}, cost="1")
class Typed(Base):
    """Plain steps, typed."""
    def step(self, oracle):
        loss = oracle()
        self.w.sub_(self.g, alpha=SIZE * self.group["lr"])
        return loss
'''


def test_a_method_registered_in_a_cell_is_named_by_its_source_and_may_be_typed_again(tmp_path):
    other = METHOD.replace("self.w.sub_", "self.w.add_")
    names = cells(tmp_path, "name('sgd')", "SIZE = 1", METHOD, "name('typed')", "name('ema+typed')",
                  METHOD, "name('typed')", "SIZE = 2", "name('typed')",
                  "SIZE = 1", other, "name('typed')", "name('sgd')")  # fmt: skip
    sgd, first, around, same, size, changed, sgd_again = names
    assert sgd == sgd_again
    assert first == same
    assert len({sgd, first, around, size, changed}) == 5


@pytest.mark.long
def test_a_value_whose_content_cannot_be_told_is_refused_by_name(tmp_path):
    (said,) = cells(tmp_path, "SIZE = object()", MOVED, OWN, "name(Own)")
    assert "Own names SIZE" in said
    assert "put SIZE into the class, or both into a file" in said


@pytest.mark.long
def test_a_class_without_a_source_is_refused(tmp_path):
    (said,) = cells(tmp_path, f"exec({OWN!r})", "name(Own)")
    assert "the source of Own cannot be had" in said
    assert "FILE.py:CLASS" in said


SCRIPT = """
from pathlib import Path
from lenetlab import Runtime, run

if __name__ == "__main__":
    found = run(Own, passes=0.01, split="inner", runtime=Runtime(out=Path("runs"), threads=1))
    print("NAME", found.identity["id"], found.status)
"""


@pytest.mark.long
def test_a_class_of_a_script_is_trained_and_named_by_the_whole_file(tmp_path):
    names = []
    for text in (MOVED, MOVED, MOVED + "# changed\n"):
        (tmp_path / "mine.py").write_text("import torch\nSIZE = 0.1\n" + text + OWN + SCRIPT)
        done = ran("mine.py", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[2] == "done"
        names.append(done.stdout.split()[1])
    assert names[0] == names[1] != names[2]


def test_a_recorded_class_of_a_notebook_is_asked_for_again():
    with pytest.raises(UserError, match=r"hand the class over again, run\(CLASS, …\), or put it"):
        find("__main__:Own")


@pytest.mark.long
def test_in_a_kernel_it_is_the_same(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    def names(*texts: str) -> list[str]:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(t) for t in texts])
        NotebookClient(notebook, timeout=120, kernel_name="python3",
                       resources={"metadata": {"path": str(tmp_path)}}).execute()  # fmt: skip
        said = [out.text for cell in notebook.cells for out in cell.outputs if "text" in out]
        return [line.split()[1] for text in said for line in text.splitlines() if "NAME" in line]

    kernel = names(START, "SIZE = 0.1", MOVED, OWN, "name(Own)", "SIZE = 0.2", "name(Own)")
    assert kernel == cells(
        tmp_path, "SIZE = 0.1", MOVED, OWN, "name(Own)", "SIZE = 0.2", "name(Own)"
    )
    assert kernel[0] != kernel[1]


def test_what_is_handed_over_must_be_an_optimizer():
    for other in (int, 3, torch_module()):
        with pytest.raises(UserError, match="is no class of an optimizer"):
            hand_over(other)


def torch_module():
    import torch

    return torch


def test_what_a_class_took_from_the_function_that_made_it_is_in_its_name():
    def closed(rate: float) -> type:
        class Own(torch.optim.SGD):
            def step(self, closure=None):
                self.param_groups[0]["lr"] = rate
                return super().step(closure)

        return Own

    def by_default(rate: float) -> type:
        class Own(torch.optim.SGD):
            def __init__(self, params, lr=rate):
                super().__init__(params, lr=lr)

        return Own

    def by_attribute(rate: float) -> type:
        class Own(torch.optim.SGD):
            learning_rate = rate

        return Own

    for make in (closed, by_default, by_attribute):
        assert source_of(make(0.1)) == source_of(make(0.1)) != source_of(make(0.5))


def test_a_class_inside_of_a_function_is_refused_where_it_has_no_file():
    space: dict[str, object] = {"__name__": "typed_somewhere"}
    text = "import torch\ndef make():\n" + textwrap.indent(OWN, "    ") + "\n    return Own\n"
    exec(text, space)
    with pytest.raises(UserError, match="is defined inside of a function"):
        sources_of(space["make"]())
