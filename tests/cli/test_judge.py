"""`lenetlab judge` and `export`: exit status, tables, JSON, CSV, and the script's own model."""

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lenetlab.problem.model import flatten

from ..judge.corpus import GOOD, LeNet5, changed, model, named, saved, weights
from ..waiting import PATIENCE, wait_until
from .conftest import LENETLAB, process
from .test_baseline import needs_script


def put(name: str, content: bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def thinned(keep: int) -> bytes:
    """The good weights with only the first `keep` of fc1 and fc2 left."""
    from lenetlab.problem.model import CONSTRAINED, state_dict

    w = weights()
    w[keep:CONSTRAINED] = 0
    return saved(state_dict(w))


def test_after_ctrl_c_what_was_judged_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("class/a.pt", GOOD["state dict"]())
    put("class/b.py", b"open('" + str(tmp_path / "began").encode() + b"', 'w')\nwhile True: pass\n")
    put("class/c.pt", GOOD["state dict"]())
    with subprocess.Popen(
        [LENETLAB, *["judge", "class", "--script", "--csv", "marks.csv"]], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a shell may have begun the tests in the background, where Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:  # fmt: skip
        try:
            wait_until((tmp_path / "began").exists, "the script begins", running)
            running.send_signal(signal.SIGINT)
            out, said = running.communicate(timeout=PATIENCE)
        finally:
            running.kill()
    assert running.returncode == 128 + signal.SIGINT, said
    assert "running class/b.py" in said
    assert "interrupted: 1 of 3 judged" in said
    assert "class/a.pt" in out
    with Path("marks.csv").open() as file:
        assert [row["checkpoint"] for row in csv.DictReader(file)] == ["class/a.pt"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.long)]
)
def test_a_script_ends_with_the_judge(tmp_path, number):
    began = tmp_path / "began"
    put_in = f"import os\nopen({str(began)!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    (tmp_path / "b.py").write_text(put_in)
    with subprocess.Popen(
        [LENETLAB, "judge", "b.py", "--script"], cwd=tmp_path,
        # under nohup a hang-up is ignored
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as running:  # fmt: skip
        try:
            pid = int(
                wait_until(lambda: began.exists() and began.read_text(), "it begins", running)
            )
            running.send_signal(number)
            assert running.wait(PATIENCE) == 128 + number
        finally:
            running.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_exit_status_is_the_worst_verdict(lenetlab):
    put("good.pt", GOOD["state dict"]())
    put("broken.pt", saved(changed(fc3_bias=torch.zeros(11))))
    put("noise.pt", b"\x01\x02\x03")
    assert lenetlab("judge good.pt").status == 0
    assert lenetlab("judge broken.pt").status == 1
    assert lenetlab("judge noise.pt").status == 2
    assert lenetlab("judge good.pt broken.pt").status == 1
    assert lenetlab("judge good.pt broken.pt noise.pt").status == 2
    assert lenetlab("judge gone.pt").status == 2


def test_the_bound_counts_in_sparse_alone(lenetlab):
    put("at.pt", thinned(24_480))
    put("over.pt", thinned(24_481))
    assert lenetlab("judge at.pt --scenario sparse").status == 0
    answer = lenetlab("judge over.pt --scenario sparse")
    assert answer.status == 1
    assert "24,481 nonzeros in fc1.weight and fc2.weight, at most 24,480" in answer.out
    assert "test accuracy" in answer.out  # it is scored nonetheless
    assert lenetlab("judge over.pt").status == 0


def test_one_verdict_shows_everything(lenetlab):
    put("good.pt", GOOD["whole model"]())
    answer = lenetlab("judge good.pt")
    for words in ("keeps the rules", "95 % interval", "mean cross-entropy", "starter's average",
                  "conv1 150, conv2 2,400", "Ankle boot", "of the teacher's"):  # fmt: skip
        assert words in answer.out
    found = json.loads(lenetlab("judge good.pt --json").out)
    (verdict,) = found["verdicts"]
    score = verdict["score"]
    assert verdict["outcome"] == "kept"
    assert sum(map(sum, score["confusion"])) == score["images"] == 10_000
    assert score["interval"][0] < score["accuracy"] < score["interval"][1]
    assert f"{score['accuracy']:.2f} %" in answer.out


def test_a_folder_gives_one_ranked_table_and_csv_whatever_is_in_it(lenetlab):
    put("class/ann/lenet.pt", GOOD["state dict"]())
    put("class/bob.safetensors", GOOD["safetensors"]())
    put("class/eve.pth", saved([1, 2]))
    put("class/=cmd.pt", saved(changed(fc3_bias=torch.zeros(11))))
    put("class/README.md", b"not a checkpoint")
    put("class/carl/lenet.onnx", b"of another kind")
    put("elsewhere/dan.pt", GOOD["state dict"]())
    Path("class/dan").symlink_to(Path("elsewhere").resolve())
    put("class/.hidden.pt", b"")
    answer = lenetlab("judge class --csv marks.csv")
    assert answer.status == 2
    assert "Traceback" not in answer.err
    assert re.search(r"1= +ann/lenet.pt", answer.out)
    assert re.search(r"1= +bob.safetensors", answer.out)
    assert "eve.pth: holds a list without named tensors" in answer.out
    assert "passed over for their suffix, or as links to folders (1): 3" in answer.err
    with open("marks.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == [
        "kept", "kept", "broken", "unreadable", "passed over",
    ]  # fmt: skip
    assert (rows[4]["checkpoint"], rows[4]["problems"]) == (
        "class/carl/lenet.onnx", "not a suffix of a checkpoint"
    )  # fmt: skip
    assert rows[0]["accuracy"] == rows[1]["accuracy"] != ""
    assert rows[3]["accuracy"] == ""
    assert not any(cell.startswith("=") for row in rows for cell in row.values())


def test_two_are_compared_by_mcnemar(lenetlab):
    put("a.pt", GOOD["state dict"]())
    put("b.pt", saved(changed(fc3_weight=-named()["fc3.weight"])))
    found = json.loads(lenetlab("judge a.pt b.pt --json").out)
    a, b = ({v["checkpoint"]: v for v in found["verdicts"]}[name] for name in ("a.pt", "b.pt"))
    test = found["mcnemar"]
    apart = test["only_first"] - test["only_second"]
    assert apart == a["score"]["correct"] - b["score"]["correct"]
    assert 0 <= test["p"] <= 1
    assert "McNemar's exact test" in lenetlab("judge a.pt b.pt").out


def test_a_class_has_a_page_and_its_twins_are_named(lenetlab):
    for name in ("ada", "bob & <b>bob</b>"):
        put(f"class/{name}.pt", GOOD["state dict"]())
    put("class/wide.pt", saved(changed(fc3_bias=torch.zeros(11))))
    put("class/notes.pt", b"my notes")
    answer = lenetlab("judge class --page class.html --csv marks.csv --json")
    found = json.loads(answer.out)
    page = Path("class.html").read_text()
    assert "4 submissions" in page
    assert "bob &amp; &lt;b&gt;bob&lt;/b&gt;.pt" in page
    assert "<script" not in page
    assert "fc3.bias has shape (11,), expected (10,)" in page
    assert "torch.save(model.state_dict(), FILE)" in page  # what to ask for
    assert found["twins"] == []  # untrained nets call all images alike


def test_a_rounded_copy_is_named_in_table_csv_and_page(lenetlab):
    ran = json.loads(lenetlab("run sgd --epochs 0.05 --lr 0.1 --json").out)
    Path("class").mkdir()
    assert lenetlab(f"export {ran['run_dir']} --format torch --to class/ada.pt").status == 0
    rounded = {k: v.half().float() for k, v in torch.load("class/ada.pt").items()}
    put("class/bob.pt", saved(rounded))
    answer = lenetlab("judge class --page class.html --csv marks.csv")
    assert "= nearly the same weights: class/ada.pt, class/bob.pt" in answer.out
    with open("marks.csv", newline="") as file:
        twins = {row["checkpoint"]: row["twins"] for row in csv.DictReader(file)}
    assert twins == {"class/ada.pt": "nearly the same weights as class/bob.pt",
                     "class/bob.pt": "nearly the same weights as class/ada.pt"}  # fmt: skip
    assert "nearly the same weights as class/bob.pt" in Path("class.html").read_text()


def test_paths_may_be_absolute_relative_and_strange(lenetlab):
    here = put("a/a.pt", GOOD["state dict"]())
    put("b.pt", saved([1]))
    answer = lenetlab(f"judge {here.resolve()} b.pt")
    assert answer.status == 2
    assert re.search(r"1 +a/a.pt", answer.out)
    assert "Traceback" not in answer.err
    strange = put(os.fsdecode(b"\xff\n.pt"), GOOD["state dict"]())
    answer = lenetlab(f"judge {shlex.quote(str(strange))} --csv marks.csv")
    assert answer.status == 0
    assert "\\xff\\n.pt keeps the rules" in answer.out
    assert "\\xff\\n.pt" in Path("marks.csv").read_text()


NAMES = (
    "torch", "numpy", "random", "signal", "socket", "inspect", "safetensors", "lenetlab",
    "torchvision", "threading", "multiprocessing",
)  # fmt: skip


@pytest.mark.parametrize(
    "asked", [pytest.param("good.pt", marks=pytest.mark.long), "runs --rerun --limit 60"]
)
def test_no_file_that_lies_where_it_stands_is_run(lenetlab, tmp_path, monkeypatch, asked):
    assert lenetlab("run sgd --epochs 0.01").status == 0
    for name in NAMES:
        Path(f"{name}.py").write_text("open('ran', 'a').write(__name__ + ' ')\n")
    put("good.pt", GOOD["state dict"]())
    monkeypatch.delenv("PYTHONSAFEPATH")
    done = process(f"judge {asked}", tmp_path)
    assert not Path("ran").exists(), Path("ran").read_text()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_without_its_run_json_is_not_judged_as_weights(lenetlab):
    ran = json.loads(lenetlab("run sgd --epochs 0.02 --json").out)
    (Path(ran["run_dir"]) / "run.json").unlink()
    for what in (ran["run_dir"], "runs"):
        answer = lenetlab(f"judge {what}")
        assert answer.status == 2
        assert "run.json does not exist" in answer.out


def test_a_run_is_placed_exported_and_judged_again(lenetlab):
    ran = json.loads(lenetlab("run sgd --epochs 0.02 --json").out)
    answer = lenetlab(f"judge {ran['run_dir']} --out runs --rerun")
    assert answer.status == 0
    assert "trained again, it has the same bits" in answer.out
    assert "above 0 of 1 own results" in answer.out
    for kind in ("torch", "safetensors"):
        exported = lenetlab(f"export {ran['run_dir']} --format {kind} --to weights.{kind}")
        assert exported.status == 0
        assert exported.out == f"weights.{kind}\n"
        found = json.loads(lenetlab(f"judge weights.{kind} --json").out)
        assert found["verdicts"][0]["score"]["accuracy"] == ran["accuracy"]
    net = LeNet5()
    net.load_state_dict(torch.load("weights.torch"))  # in the script's order, by its names
    assert list(torch.load("weights.torch")) == list(net.state_dict())


def test_an_export_is_what_its_name_says(lenetlab):
    put("mine.pt", GOOD["state dict"]())
    assert lenetlab("export mine.pt --to mine.safetensors").status == 0
    assert load_file("mine.safetensors").keys() == torch.load("mine.pt").keys()


def test_where_marks_cannot_be_written_nothing_is_judged(lenetlab):
    put("mine.pt", GOOD["state dict"]())
    for option in ("--csv", "--page"):
        answer = lenetlab(f"judge mine.pt {option} mine.pt/marks.x")
        assert (answer.status, answer.out) == (2, "")
        assert "cannot write mine.pt" in answer.err
    assert lenetlab("judge mine.pt --csv a/new/folder/marks.csv").status == 0
    assert Path("a/new/folder/marks.csv").is_file()


def test_any_checkpoint_can_be_exported(lenetlab):
    from safetensors.torch import load_file

    put("mine.pt", GOOD["training checkpoint"]())
    assert lenetlab("export mine.pt --format safetensors").out == "mine.safetensors\n"
    assert torch.equal(flatten(load_file("mine.safetensors")), flatten(model().state_dict()))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("judge x.pt --scenario spars", "did you mean 'sparse'"),
        ("judge empty", "empty holds no checkpoint"),
        ("judge x.pt --out nowhere", "nowhere is not a folder"),
        ("export gone", "gone does not exist"),
        ("export empty", "weights.safetensors does not exist"),
        ("export wrong.pt", "wrong.pt is not LeNet-5: fc3.bias has shape (11,)"),
    ],
)
def test_a_mistake_gets_one_sentence(lenetlab, command, words):
    Path("empty").mkdir()
    put("wrong.pt", saved(changed(fc3_bias=torch.zeros(11))))
    answer = lenetlab(command)
    assert answer.status == 2
    assert words in answer.err
    assert answer.err.count("\n") == 1


def edited(script: Path, epochs: int) -> str:
    """The script as a student edits it: another optimizer, fewer epochs, both ways of saving."""
    text = script.read_text()
    text, shorter = re.subn(r"n_epochs = 10\b", f"n_epochs = {epochs}", text)
    sgd = r"optim\.SGD\(model\.parameters\(\), lr=0\.001\)"
    text, other = re.subn(sgd, "optim.Adam(model.parameters(), lr=0.002)", text)
    assert (shorter, other) == (1, 1), "the script is not the starter script"
    return text + (
        "\ntorch.save(model, 'whole.pt')\n"
        "torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict(), "
        "'losses': train_losses}, 'checkpoint.pt')\n"
    )


@needs_script
@pytest.mark.long
def test_an_edited_copy_of_the_script_is_judged(tmp_path):
    """What the judge says is what the script printed: correct images and average loss."""
    starter = Path(os.environ["LENETLAB_STARTER"]).resolve()
    (tmp_path / "mine.py").write_text(edited(starter / "fashionMNIST.py", epochs=1))
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(starter), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = re.search(r"Average loss: (\S+),\s+Accuracy: (\d+)/10000", done.stdout)
    assert printed is not None
    command = "judge whole.pt checkpoint.pt --engine torch --threads 1 --json"
    judged = process(command, tmp_path)
    assert judged.returncode == 0, judged.stderr
    found = json.loads(judged.stdout)
    for verdict in found["verdicts"]:
        assert verdict["outcome"] == "kept"
        assert verdict["score"]["correct"] == int(printed[2])
        assert verdict["score"]["starter_average_loss"] == float(printed[1])
    assert found["mcnemar"]["p"] == 1.0
    assert any("__main__.LeNet5" in note for v in found["verdicts"] for note in v["notes"])
    sparse = process("judge whole.pt --scenario sparse", tmp_path)
    assert sparse.returncode == 1
    assert "40,800 nonzeros" in sparse.stdout
