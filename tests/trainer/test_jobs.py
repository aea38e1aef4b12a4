"""A job is a folder and a process: it outlives its starter, tells where it is, stops when asked, can be resumed."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from homes import TINY
from kills import survive
from trainings import pretend_training
from waiting import wait_for_end, wait_until

from newleaf.core import store
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.files import read_lines, read_object, write_json
from newleaf.core.home import folder
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, save_model
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.trainer import jobs, resuming
from newleaf.trainer.history import History
from newleaf.trainer.in_use import check_unused
from newleaf.trainer.jobs import LIVE, Job, create, list_jobs, start
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import model_config
from newleaf.trainer.planner import plan_training
from newleaf.trainer.queue import move, waiting
from newleaf.trainer.reporter import Reporter
from newleaf.trainer.resuming import prospect, prospect_text, resume
from newleaf.trainer.work import importing, tokenizing, training


def history(job):
    found = History()
    found.feed(job.events()[0])
    return found


def steps_seen(job):
    return sum(event["kind"] == "step" for event in job.events()[0])


def train(name, **options):
    return training.submit("book", name, TrainOptions(**{**TINY, **options}), "pieces")


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "story.txt"
    path.write_text("\n\n".join(f"Chapter {n}. The fox number {n} saw {n * 7} geese." for n in range(400)), "utf-8")
    return path


@pytest.fixture
def ready(book, tokenizer):
    """A corpus called book and a tokenizer called pieces."""


def test_an_import_tells_what_it_does_and_what_it_made(text_file):
    job = importing.submit([text_file], "story")
    status = wait_for_end(job)
    assert status["state"] == "finished" and status["progress"] == 1
    assert status["corpus"] == "story"
    assert any("story" in text for text in history(job).messages)
    assert job.summary()["kind"] == "import" and status["updated"] > status["started"]


def test_what_cannot_work_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        importing.submit([tmp_path / "absent.txt"], "story")
    with pytest.raises(UserError, match="no corpus"):
        tokenizing.submit("absent", "pieces")
    with pytest.raises(UserError, match="no corpus"):
        training.submit("absent", "model")
    assert list_jobs() == []


def test_a_failed_import_says_why_and_leaves_no_corpus(tmp_path):
    (tmp_path / "empty.txt").touch()
    job = importing.submit([tmp_path / "empty.txt"], "story")
    status = wait_for_end(job)
    assert status["state"] == "failed"
    assert "empty.txt" in status["error"] and "empty" in status["error"]
    assert not (job.path.parent.parent / "corpora" / "story").exists()


def test_a_finished_job_gives_way_to_the_next_of_its_name(text_file):
    from newleaf.core import store

    wait_for_end(importing.submit([text_file], "story"))
    store.remove("corpora", "story")
    assert wait_for_end(importing.submit([text_file], "story"))["state"] == "finished"
    assert len(list_jobs()) == 1


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_the_process_outlives_the_one_that_started_it(tmp_path):
    script = (
        "from newleaf.trainer.work import training; from newleaf.trainer.options import TrainOptions;"
        f"print(training.submit('book', 'm', TrainOptions(steps=400, **{TINY!r}), 'pieces').name)"
    )
    name = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    job = Job.open(name)
    wait_until(lambda: steps_seen(job) > 3)
    assert job.state == "running"
    assert os.getsid(job.status()["pid"]) == job.status()["pid"]  # a session of its own: no terminal can hang it up
    job.stop()
    assert wait_for_end(job)["state"] == "stopped"


@pytest.mark.usefixtures("ready")
def test_a_stopped_training_keeps_its_work_and_goes_on_to_the_same_end():
    undisturbed = train("straight", steps=60)
    wait_for_end(undisturbed)
    job = train("broken", steps=60)
    wait_until(lambda: steps_seen(job) > 10)
    job.stop()
    status = wait_for_end(job)
    assert status["state"] == "stopped" and 10 < status["step"] < 60
    assert ModelInfo.open("broken").bits_per_byte  # usable as it is
    resume(job)
    assert wait_for_end(job)["state"] == "finished"
    assert history(job).losses == history(undisturbed).losses
    assert history(job).steps == list(range(1, 61))
    weights = [(ModelInfo.open(name).path / "model.safetensors").read_bytes() for name in ("straight", "broken")]
    assert weights[0] == weights[1]


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_a_training_that_is_killed_ten_times_makes_the_weights_of_one_that_is_not():
    undisturbed, killed, moments = survive(10, steps=1000, corpus="book", tokenizer="pieces")
    assert len(moments) == 10 and max(moments) > 0
    assert undisturbed == killed


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_training_that_is_killed_tells_of_each_step_once():
    undisturbed = train("straight", steps=60)
    wait_for_end(undisturbed)
    job = train("killed", steps=60, checkpoint_every=0.05)
    for step in (7, 41):
        wait_until(lambda step=step: history(job).steps[-1:] >= [step] or job.state not in LIVE)
        if job.state in LIVE:
            os.kill(job.status()["pid"], signal.SIGKILL)
        if wait_for_end(job)["state"] == "lost":
            assert "resume" in job.status()["error"]
            resume(job)
    assert wait_for_end(job)["state"] == "finished"
    assert history(job).losses == history(undisturbed).losses
    assert history(job).evaluations == history(undisturbed).evaluations


@pytest.mark.long
@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_a_training_killed_before_its_first_checkpoint_begins_again():
    job = train("early", steps=30, checkpoint_every=1000.0)
    wait_until(lambda: steps_seen(job) >= 3)
    os.kill(job.status()["pid"], signal.SIGKILL)
    assert wait_for_end(job)["state"] == "lost"
    resume(job)
    assert wait_for_end(job)["state"] == "finished"
    assert history(job).steps == list(range(1, 31))


@pytest.mark.usefixtures("ready")
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before():
    job = train("damaged", steps=80, checkpoint_every=0.01)
    wait_until(lambda: steps_seen(job) >= 12)
    os.kill(job.status()["pid"], signal.SIGKILL)
    wait_for_end(job)
    newest = max((job.path / "checkpoints").glob("step-*.pt"))
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    resume(job)
    assert wait_for_end(job)["state"] == "finished"
    assert any(newest.name in text for text in history(job).messages)
    assert history(job).steps == list(range(1, 81))


@pytest.fixture
def small_disk(newleaf_home):
    """The jobs' folder on a disk of 24 MB; skips where no disk can be mounted."""
    folder = newleaf_home / "jobs"
    folder.mkdir(mode=0o700, parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    wait_until(lambda: not any(job.lock.is_held() for job in list_jobs()))
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.usefixtures("ready")
def test_a_full_disk_holds_a_training_up_and_it_goes_on_when_there_is_room(small_disk):
    job = train("full", steps=60, checkpoint_every=0.0)
    wait_until(lambda: steps_seen(job) > 10)
    balloon = small_disk / "balloon"
    with contextlib.suppress(OSError), balloon.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    wait_until(lambda: "disk is full" in job.status().get("message", ""))
    assert job.state == "running"
    balloon.unlink()
    status = wait_for_end(job)
    assert status["state"] == "finished"
    assert any("room again" in text for text in history(job).messages)
    assert history(job).steps == list(range(1, 61))


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_training_that_waits_for_room_can_be_stopped(small_disk):
    job = train("full", steps=100_000, checkpoint_every=0.0)
    wait_until(lambda: steps_seen(job) > 10)
    with contextlib.suppress(OSError), (small_disk / "balloon").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    wait_until(lambda: "disk is full" in job.status().get("message", ""))
    job.stop()
    assert wait_for_end(job)["state"] == "stopped"
    (small_disk / "balloon").unlink()
    assert prospect(job).step and not prospect(job).obstacle


@pytest.mark.usefixtures("ready")
def test_sigterm_ends_a_training_with_a_checkpoint():
    job = train("asked", steps=100_000)
    wait_until(lambda: steps_seen(job) > 3)
    os.kill(job.status()["pid"], signal.SIGTERM)
    assert wait_for_end(job)["state"] == "stopped"
    assert job.has_checkpoint


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_running_job_cannot_be_started_twice_or_removed():
    job = train("one", steps=100_000)
    wait_until(lambda: steps_seen(job) > 1)
    with pytest.raises(UserError, match="running"):
        resume(job)
    with pytest.raises(UserError, match="Stop it first"):
        job.remove()
    with pytest.raises(UserError, match=r"making it already|exists already"):
        train("one", steps=5)
    job.stop()
    wait_for_end(job)
    job.remove()
    assert list_jobs() == []


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("act", [resume, start, Job.remove])
def test_what_is_asked_of_a_job_that_somebody_removes_meanwhile_says_that_there_is_none(act):
    job = Job(pretend_training("gone", state="stopped"))
    assert job.spec["target"] == "gone"  # it was there when it was read
    Job(job.path).remove()
    with pytest.raises(UserError, match="There is no job train-gone"):
        act(job)
    assert not job.path.exists()


@pytest.mark.usefixtures("ready")
def test_a_name_whose_model_another_job_is_to_make_is_refused_by_a_plan_too():
    job = Job(pretend_training("taken", state="stopped"))
    (job.path / "checkpoints").mkdir()
    (job.path / "checkpoints" / "step-000000400.pt").touch()
    with pytest.raises(UserError, match="with its work so far"):
        plan_training("book", "pieces", TrainOptions(steps=5), name="taken")
    lock = Job(pretend_training("busy", state="running")).lock  # as its process has it
    assert lock.acquire()
    with pytest.raises(UserError, match="making it already"):
        plan_training("book", "pieces", TrainOptions(steps=5), name="busy")
    lock.release()


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(("checkpoint", "share"), [(None, 0.0), (100, 0.2)])
def test_a_resumed_training_has_done_as_much_as_what_it_goes_on_from(checkpoint, share, monkeypatch):
    job = Job(pretend_training("back", state="stopped"))
    write_json(job.path / "status.json", {**job._read_status(), "step": 400, "progress": 0.8})
    monkeypatch.setattr(resuming, "list_steps", lambda folder: [checkpoint] if checkpoint else [])
    begun = []
    monkeypatch.setattr(resuming, "start", lambda job, prepare: begun.append(prepare()))
    resume(job)
    assert begun[0]["progress"] == share


def test_a_job_that_is_being_resumed_is_not_removed(monkeypatch):
    monkeypatch.setattr(jobs, "STARTING", 0.1)
    job = Job(pretend_training("going", state="stopped"))
    lock = job.lock  # what who resumes it has before its status says so
    assert lock.acquire()
    with pytest.raises(UserError, match=r"it is stopping\. Stop it first"):
        job.remove()
    lock.release()
    job.remove()
    assert list_jobs() == []


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_a_stopped_training_is_not_thrown_away_by_a_new_one():
    from newleaf.core import store

    job = train("precious", steps=100_000)
    wait_until(lambda: steps_seen(job) > 3)
    job.stop()
    wait_for_end(job)
    store.remove("models", "precious")
    with pytest.raises(UserError, match="job resume"):
        train("precious", steps=5)


@pytest.mark.usefixtures("ready")
def test_a_training_by_time_ends_with_its_time_and_its_rate_at_zero():
    job = train("timed", time=8.0)
    status = wait_for_end(job)
    assert status["state"] == "finished", status
    events = [event for event in job.events()[0] if event["kind"] == "step"]
    assert events[-1]["learning_rate"] < 0.2 * max(event["learning_rate"] for event in events)
    assert ModelInfo.open("timed").provenance["seconds"] < 16


@pytest.mark.usefixtures("ready")
def test_the_time_in_which_its_process_was_stopped_is_not_that_of_a_training():
    job = train("dozed", time=6.0)
    wait_until(lambda: steps_seen(job) > 3)
    os.kill(job.status()["pid"], signal.SIGSTOP)
    time.sleep(5.0)
    os.kill(job.status()["pid"], signal.SIGCONT)
    status = wait_for_end(job)
    assert status["state"] == "finished", status
    assert ModelInfo.open("dozed").provenance["seconds"] + 4.5 < status["updated"] - status["started"]
    assert 60 * history(job).minutes[-1] <= ModelInfo.open("dozed").provenance["seconds"]
    rates = [event["tokens_per_second"] for event in job.events()[0] if event["kind"] == "step"]
    assert min(rates[3:]) > 0.1 * max(rates[3:])  # of the first steps each has been slow


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_early_stopping_keeps_the_best_weights():
    job = train("overfitted", steps=100_000, eval_every=15, patience=2, learning_rate=0.05)
    status = wait_for_end(job)
    assert status["state"] == "finished" and status["step"] < 100_000
    found = history(job)
    best = found.evaluation_steps[found.evaluations.index(min(found.evaluations))]
    assert ModelInfo.open("overfitted").provenance["step"] == best


def test_a_corpus_that_is_too_small_is_refused_with_its_size(tmp_path):
    path = tmp_path / "hello.txt"
    path.write_text("hello world, this is short\n" * 3)
    wait_for_end(importing.submit([path], "short"))
    with pytest.raises(UserError, match=r"74 B of text.*needed at least"):
        training.submit("short", "m", TrainOptions(steps=5))
    assert "train-m" not in store.names("jobs") and not store.names("tokenizers")


def test_a_tokenizer_for_a_text_that_turns_out_to_be_too_small_is_not_kept(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("In the beginning God created the heaven and the earth.\n\n" * 30)
    wait_for_end(importing.submit([path], "short"))
    job = training.submit("short", "m", TrainOptions(steps=5, **TINY))
    assert "tokens to train on" in wait_for_end(job)["error"]
    assert not store.names("tokenizers")


@pytest.mark.long
def test_without_a_tokenizer_one_is_trained(book):
    job = training.submit("book", "m", TrainOptions(steps=3, **TINY))
    assert wait_for_end(job)["state"] == "finished"
    assert ModelInfo.open("m").provenance["tokenizer"] == "m"


@pytest.mark.usefixtures("ready")
def test_a_training_that_is_killed_while_it_waits_in_line_is_lost_at_once():
    first = train("first", steps=100_000)
    wait_until(lambda: steps_seen(first))
    second = train("second", steps=5)
    wait_until(lambda: "waits" in second.status().get("message", ""))
    os.kill(second.status()["pid"], signal.SIGKILL)
    wait_until(lambda: not second.lock.is_held())
    assert second.state == "lost"
    resume(second)
    first.stop()
    assert wait_for_end(first)["state"] == "stopped" and wait_for_end(second)["state"] == "finished"


def test_a_status_that_says_running_without_a_process_is_lost(text_file):
    job = importing.submit([text_file], "story")
    wait_for_end(job)
    wait_until(lambda: not job.lock.is_held())
    status = {"state": "running", "progress": 0.5, "updated": time.time(), "pid": 1}
    (job.path / "status.json").write_text(json.dumps(status))
    assert job.state == "lost"


def test_half_a_line_of_events_is_read_when_it_is_whole(text_file):
    job = importing.submit([text_file], "story")
    wait_for_end(job)
    path = job.path / "events.jsonl"
    whole, offset = job.events()
    with path.open("a") as file:
        file.write('{"t": 1, "kind": "mess')
    assert job.events() == (whole, offset)
    with path.open("a") as file:
        file.write('age", "text": "hello"}\n')
    assert [event["text"] for event in read_lines(path, offset)[0]] == ["hello"]


@pytest.mark.usefixtures("ready")
def test_a_model_of_the_same_name_from_elsewhere_is_not_overwritten(tiny_model):
    with pytest.raises(UserError, match="exists already"):
        training.submit("book", "tiny", TrainOptions(steps=5))


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_a_finished_training_can_be_prolonged():
    job = train("longer", steps=20)
    wait_for_end(job)
    first = ModelInfo.open("longer").provenance
    with pytest.raises(UserError, match=r"--time \+30m"):
        resume(job)
    resume(job, steps="+15")
    status = wait_for_end(job)
    assert status["state"] == "finished" and status["step"] == 35
    assert history(job).steps == list(range(1, 36))
    resume(job, time="+2s")
    status = wait_for_end(job)
    assert status["state"] == "finished" and status["step"] > 35
    assert ModelInfo.open("longer").bits_per_byte < first["bits_per_byte"]


@pytest.mark.usefixtures("ready")
def test_a_training_whose_model_was_removed_makes_another_but_takes_no_others_place(tiny_model):
    job = train("gone", steps=4)
    wait_for_end(job)
    model = ModelInfo.open("gone").path
    shutil.copytree(tiny_model, model, dirs_exist_ok=True)
    assert "exists already, and this job did not make it" in prospect(job).obstacle
    store.remove("models", "gone")
    with pytest.raises(UserError, match="exclude each other"):
        resume(job, time="+2s", steps="+2")
    resume(job, steps="+2")
    before = Job.open("train-gone").status()
    assert before["state"] in LIVE and before["step"] >= 4 and before["progress"] < 1
    status = wait_for_end(job)
    assert (status["state"], status["step"], status["total_steps"]) == ("finished", 6, 6)
    assert ModelInfo.open("gone").provenance["job"] == "train-gone"


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_stopped_training_that_is_prolonged_has_what_was_to_come_and_more():
    job = train("stopped", steps=60)
    wait_until(lambda: steps_seen(job) > 10)
    job.stop()
    assert wait_for_end(job)["step"] < 60
    resume(job, steps="+5")
    status = wait_for_end(job)
    assert status["state"] == "finished" and status["step"] == 65


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_training_that_only_did_harm_is_said_to_have():
    job = train("harmed", steps=6, eval_every=2, optimizer="sgd", learning_rate=10.0)
    wait_for_end(job)
    assert any("known better before the first step" in text for text in history(job).messages)
    assert not any("best weights" in text for text in history(job).messages)


@pytest.mark.usefixtures("ready")
def test_a_resume_that_comes_too_late_changes_nothing(monkeypatch):
    job = Job(pretend_training("late", state="stopped"))
    before = (job.path / "job.json").read_bytes()
    monkeypatch.setattr(jobs, "STARTING", 0.0)
    lock = job.lock
    assert lock.acquire()  # as the process has it that somebody else has just started
    with pytest.raises(UserError, match="running already"):
        resume(job, where={"gpus": "2"})
    lock.release()
    assert (job.path / "job.json").read_bytes() == before


def test_work_that_asks_nobody_and_loses_nothing_is_cut_by_a_wish_to_stop():
    job = Job(pretend_training("deaf", state="queued"))
    script = (
        "import sys, time; from pathlib import Path; from newleaf.trainer.jobs import Job;"
        "from newleaf.trainer.reporter import Reporter\n"
        "with Reporter(Job(Path(sys.argv[1]))) as reporter, reporter.may_be_cut(): time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(job.path)])
    wait_until(lambda: job._read_status()["state"] == "running")
    (job.path / "stop").touch()
    assert process.wait(timeout=30) == 0
    assert job.state == "stopped"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("kind", ["corpora/book", "tokenizers/pieces"])
def test_a_training_does_not_go_on_with_another_text_than_it_began_with(newleaf_home, kind):
    job = Job(pretend_training("stale", state="stopped"))
    text = {
        "corpus": Corpus.open("book").manifest.fingerprint,
        "tokenizer": TokenizerInfo.open("pieces").report["fingerprint"],
    }
    (job.path / "text.json").write_text(json.dumps(text))
    assert not prospect(job).obstacle
    (file,) = (newleaf_home / kind).glob("manifest.json" if "book" in kind else "report.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "fingerprint": "another"}))
    with pytest.raises(UserError, match=f"{kind} is another than it began with"):
        resume(job)


@pytest.mark.usefixtures("ready")
def test_a_cross_validation_that_was_stopped_has_something_to_go_on_with():
    job = Job(pretend_training("five", state="stopped"))
    (job.path / "job.json").write_text(json.dumps({**job.spec, "options": {"folds": 5}}))
    assert not job.has_work
    (job.path / "folds.json").write_text('{"scores": [2.5, 2.4]}')
    job = Job(job.path)
    assert prospect(job).fold == "3/5"
    with pytest.raises(UserError, match="with its work so far"):
        train("five", steps=5)


def test_a_status_of_which_nothing_can_be_made_is_that_of_a_lost_job():
    job = Job(pretend_training("damaged"))
    for text in ("[]", "{}", '{"state": "dancing", "progress": 0, "updated": 0}', '{"state": [], "progress": 0}'):
        (job.path / "status.json").write_text(text)
        assert job.state == "lost"
        assert job in list_jobs()


@pytest.mark.long
@pytest.mark.usefixtures("ready")
def test_a_training_goes_back_to_the_checkpoint_that_a_person_names():
    job = train("back", steps=60, checkpoint_every=1000.0, keep_every=10)
    wait_until(lambda: steps_seen(job) > 35)
    job.stop()
    wait_for_end(job)
    with pytest.raises(UserError, match="20, 10"):
        resume(job, origin="11")
    resume(job, origin="20")
    assert wait_for_end(job)["state"] == "finished"
    events = [event["kind"] + str(event["step"]) for event in job.events()[0] if event["kind"] in ("resume", "step")]
    assert events[events.index("resume20") + 1] == "step21"


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_how_much_longer_is_said_with_a_plus():
    job = train("once", steps=3)
    wait_for_end(job)
    for more in ("30m", "+x", "+0s", "-5m", "+9999999d"):
        with pytest.raises(UserError, match=r"\+30m"):
            resume(job, time=more)


@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_why_a_job_cannot_be_resumed_is_said_before():
    job = train("hopeless", steps=100_000, checkpoint_every=0.01)
    assert "running" in prospect(job).obstacle or "queued" in prospect(job).obstacle
    wait_until(lambda: steps_seen(job) > 5)
    job.stop()
    step = wait_for_end(job)["step"]
    assert prospect(job).step == step and not prospect(job).obstacle
    newest, *older = sorted((job.path / "checkpoints").glob("step-*.pt"), reverse=True)
    newest.write_bytes(b"")
    assert prospect(job).step < step and prospect(job).damaged == (newest.name,)
    for path in older:
        path.write_bytes(path.read_bytes()[:1000])
    assert "no checkpoint is whole" in prospect(job).obstacle
    with pytest.raises(UserError, match="no checkpoint is whole"):
        resume(job)


@pytest.mark.usefixtures("ready")
def test_a_job_whose_checkpoints_are_gone_does_not_begin_anew_in_the_place_of_its_model():
    job = Job(pretend_training("robbed", state="stopped"))
    assert "from the beginning" in prospect_text(prospect(job))
    with (job.path / "events.jsonl").open("a") as events:
        events.write(json.dumps({"t": 0.0, "kind": "checkpoint", "step": 5}) + "\n")
    assert "checkpoints are gone. Remove it" in prospect(job).obstacle
    pieces = Tokenizer.open("pieces")
    model = GPT(model_config("nano", pieces.vocab_size, 64))
    save_model(folder("models") / "robbed", model, pieces, {"job": job.name})
    assert "train book --from robbed" in prospect(job).obstacle
    with pytest.raises(UserError, match="are gone"):
        resume(job)


@pytest.mark.usefixtures("ready")
def test_one_training_runs_at_a_time_and_the_others_wait_in_an_order_that_can_be_changed():
    running = train("first", steps=100_000)
    wait_until(lambda: steps_seen(running) > 1)
    second, third = train("second", steps=5), train("third", steps=5)
    wait_until(lambda: all("waits" in job.status().get("message", "") for job in (second, third)))
    assert [job.name for job in waiting("cpu")] == [second.name, third.name]
    assert [job.name for job in move(third, 1)] == [third.name, second.name]
    assert second.state == third.state == "queued"
    for kind, name in (("corpora", "book"), ("tokenizers", "pieces"), ("models", "first"), ("models", "third")):
        with pytest.raises(UserError, match=f"at work on .* {name}"):
            check_unused(kind, name)
    check_unused("corpora", "first")
    os.kill(running.status()["pid"], signal.SIGKILL)  # however it goes: the next one takes its place
    assert wait_for_end(third)["state"] == wait_for_end(second)["state"] == "finished"
    assert third.status()["started"] < second.status()["started"]
    check_unused("corpora", "book")
    with pytest.raises(UserError, match="does not wait"):
        move(third, 1)


@pytest.mark.long
@pytest.mark.usefixtures("ready")
@pytest.mark.long
def test_a_training_that_waits_can_be_stopped():
    running = train("first", steps=100_000)
    wait_until(lambda: steps_seen(running) > 1)
    other = train("other", steps=5)
    wait_until(lambda: "waits" in other.status().get("message", ""))
    other.stop()
    assert wait_for_end(other)["state"] == "stopped"
    running.stop()
    wait_for_end(running)


def test_where_a_job_is_can_be_read_while_the_disk_has_no_room_for_what_happened(tmp_path, monkeypatch):
    (tmp_path / "status.json").write_text("{}" + " " * 500)

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    reporter = Reporter(Job(tmp_path))
    reporter.message("something happened")
    reporter.update(message="waiting: the disk is full")
    monkeypatch.setattr("newleaf.trainer.reporter.append_lines", full)
    with pytest.raises(OSError, match="No space"):
        reporter.flush()
    assert json.loads((tmp_path / "status.json").read_text())["message"] == "waiting: the disk is full"
    monkeypatch.undo()
    reporter.flush()
    assert "something happened" in (tmp_path / "events.jsonl").read_text()


def test_a_name_that_is_too_long_is_refused_as_it_was_typed(book, tokenizer):
    with pytest.raises(UserError, match=r'The name "aaa.*longer than 100'):
        train("a" * 101, steps=1)
    assert create("export", "a" * 100, {}, {}).name == "export-" + "a" * 100


def test_a_job_that_is_stopped_while_it_waits_says_no_more_that_it_waits(book, tokenizer):
    first = train("first", steps=100_000)
    wait_until(lambda: first.state == "running")
    second = train("second", steps=10)
    wait_until(lambda: "waits" in second.status().get("message", ""))
    second.stop()
    status = wait_for_end(second)
    assert (status["state"], status["message"]) == ("stopped", "")
    assert not any("before it" in text for text in history(second).messages)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(("kind", "name"), [("models", "from"), ("corpora", "old_corpus"), ("corpora", "mix")])
def test_what_a_training_went_on_from_has_to_be_there_to_resume_it(kind, name):
    path = pretend_training("later", state="stopped")
    assert not prospect(Job(path)).obstacle
    spec = read_object(path / "job.json")
    spec["options" if name == "mix" else "inputs"][name] = "gone"
    write_json(path / "job.json", spec)
    assert f"{kind}/gone is gone" in prospect(Job(path)).obstacle
