"""A training's figures in the trackers that people know, read back with each tracker's own reader."""

import contextlib
import importlib.util
import json
import os
import signal
import sqlite3
import struct
import threading

import pytest
from homes import TINY
from waiting import finish, wait_for_end, wait_until

from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.trainer import tracking
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.resuming import resume
from newleaf.trainer.work import training

STEPS = 12


def in_tensorboard(path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(path / "mirrored"))
    found.Reload()
    return {key: [(event.step, event.value) for event in found.Scalars(key)] for key in found.Tags()["scalars"]}


def wandb_records(data):
    """The records of W&B's file: LevelDB's log format after 7 bytes of its own."""
    at, whole, block = 7, b"", 1 << 15
    while at + 7 <= len(data):
        if block - at % block < 7:
            at += block - at % block
        length, kind = struct.unpack_from("<HB", data, at + 4)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # all, or the last part
            yield whole
            whole = b""


def in_wandb(path):
    from wandb.proto import wandb_internal_pb2

    (file,) = path.glob("wandb/offline-run-*/run-*.wandb")
    found = {}
    for data in wandb_records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            row = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            step = int(row.get("_step", record.history.step.num))
            for key, value in row.items():
                found.setdefault(key, []).append((step, json.loads(value)))
    return found


def runs_in_mlflow(path):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{path / 'mlflow.db'}")
    for run in client.search_runs([client.get_experiment_by_name("newleaf").experiment_id]):
        assert run.data.params["size"] == "nano" and run.info.status == "FINISHED"
        yield {
            key: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }


def in_mlflow(path):
    (run,) = runs_in_mlflow(path)
    return run


def in_trackio(path):
    import orjson

    (file,) = path.glob("newleaf*.db")
    found = {}
    for step, metrics in sqlite3.connect(file).execute("select step, metrics from metrics order by step"):
        for key, value in orjson.loads(metrics).items():
            found.setdefault(key, []).append((step, value))
    return found


def last_in_trackio(path):
    """The last step that is there, while a training is at work."""
    with contextlib.suppress(ValueError, sqlite3.OperationalError, KeyError):  # there is no file, table or step yet
        return in_trackio(path)["train/loss"][-1][0]
    return -1


def a_run(step=0, differs=False, name="mirrored"):
    return tracking.Run(name, step, differs, {"size": "nano"})


def skip_without(name):
    """Without an import, which would tell trackio for good where it keeps its files."""
    if importlib.util.find_spec(tracking.MODULES[name]) is None:
        pytest.skip(f"{name} is not installed")


READERS = {"tensorboard": in_tensorboard, "wandb": in_wandb, "mlflow": in_mlflow, "trackio": in_trackio}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in ("mlflow", "wandb", "trackio") else [])
        for name in READERS
    ],
)
@pytest.mark.usefixtures("book", "tokenizer")
def test_each_step_and_each_measurement_is_there(name, monkeypatch):
    skip_without(name)
    options = TrainOptions(steps=STEPS, track=name, eval_every=6, **TINY)
    job = training.submit("book", "mirrored", options, "pieces")
    finish(job)
    assert not any("failed" in event.get("text", "") for event in job.events()[0])
    found = READERS[name](folder("tracking") / name)
    steps = {event["step"]: event for event in job.events()[0] if event["kind"] == "step"}
    assert [step for step, _value in found["train/loss"]] == list(range(1, STEPS + 1))
    for step, value in found["train/loss"]:
        assert value == pytest.approx(steps[step]["loss"], abs=1e-4)
    assert [step for step, _value in found["held_out/bits_per_byte"]] == [0, 6, 12]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "trackio" else [pytest.mark.long]) for name in READERS]
)
def test_the_machines_figures_come_from_another_thread(name):
    skip_without(name)
    tracker = tracking.open_tracker(name, a_run())
    tracker.log(1, {"train/loss": 2.0})
    thread = threading.Thread(target=tracker.log, args=(1, {"machine/cpu": 0.5}))
    thread.start()
    thread.join()
    tracker.log(2, {"train/loss": 1.0})
    tracker.end()
    found = READERS[name](folder("tracking") / name)
    assert found["train/loss"] == [(1, 2.0), (2, 1.0)] and found["machine/cpu"] == [(1, 0.5)]


def test_a_run_that_goes_on_is_not_told_twice_of_what_it_has(newleaf_home):
    skip_without("mlflow")
    for first, told in ((0, (1, 2, 3, 4)), (2, (3, 4, 5))):
        tracker = tracking.open_tracker("mlflow", a_run(step=first, name="it's mirrored"))
        for step in told:
            tracker.log(step, {"train/loss": 10.0 - step, "train/rate": float(first)})
        tracker.log(told[-1], {f"held_out/{first}": 1.0})  # which the other was not told of at this step
        tracker.end()
    found = in_mlflow(folder("tracking") / "mlflow")
    assert found["train/loss"] == [(1, 9.0), (2, 8.0), (3, 7.0), (4, 6.0), (5, 5.0)]
    assert found["train/rate"] == [(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0), (5, 2.0)]
    assert found["held_out/0"] == [(4, 1.0)] and found["held_out/2"] == [(5, 1.0)]


@pytest.mark.parametrize(("step", "runs"), [(2, [[3, 4], [1, 2, 3, 4]]), (4, [[1, 2, 3, 4, 5, 6]])])
def test_a_training_that_was_prolonged_has_another_run_where_it_does_other_steps_than_before(newleaf_home, step, runs):
    skip_without("mlflow")
    for run, told in ((a_run(), range(1, 5)), (a_run(step, differs=True), range(step + 1, step + 3))):
        tracker = tracking.open_tracker("mlflow", run)
        for each in told:
            tracker.log(each, {"train/loss": 1.0})
        tracker.end()
    found = runs_in_mlflow(folder("tracking") / "mlflow")
    assert [[each for each, _value in run["train/loss"]] for run in found] == runs


@pytest.mark.long
@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "trackio"])
@pytest.mark.usefixtures("book", "tokenizer")
def test_a_training_that_was_killed_goes_on_in_the_same_run_with_each_step_once(name):
    skip_without(name)
    options = TrainOptions(steps=1000, track=name, eval_every=50, checkpoint_every=0.05, **TINY)
    job = training.submit("book", "mirrored", options, "pieces")
    wait_until(lambda: any(event["kind"] == "checkpoint" for event in job.events()[0]))
    kept = max(event["step"] for event in job.events()[0] if event["kind"] == "checkpoint")
    wait_until(lambda: any(event["kind"] == "step" and event["step"] > kept + 5 for event in job.events()[0]))
    if name == "trackio":  # which writes twice a second
        wait_until(lambda: last_in_trackio(folder("tracking") / name) > kept)
    os.kill(job.status()["pid"], signal.SIGKILL)
    assert wait_for_end(job)["state"] == "lost"
    resume(job)
    assert wait_for_end(job)["state"] == "finished"
    found = READERS[name](folder("tracking") / name)
    assert [step for step, _value in found["train/loss"]] == list(range(1, 1001))
    assert [step for step, _value in found["held_out/bits_per_byte"]] == list(range(0, 1001, 50))


def test_another_training_of_the_same_name_has_a_curve_of_its_own(newleaf_home):
    skip_without("tensorboard")
    for values in ((4.0, 3.0, 2.0), (6.0, 5.0)):
        tracker = tracking.open_tracker("tensorboard", a_run())
        for step, value in enumerate(values, 1):
            tracker.log(step, {"train/loss": value})
        tracker.end()
    assert in_tensorboard(folder("tracking") / "tensorboard")["train/loss"] == [(1, 6.0), (2, 5.0)]


@pytest.mark.usefixtures("book", "tokenizer")
def test_a_tracker_that_is_not_installed_is_said_before_anything_is_made(monkeypatch):
    monkeypatch.setitem(tracking.MODULES, "wandb", "no_such_module")
    with pytest.raises(UserError, match=r"newleaf\[wandb\]"):
        training.submit("book", "mirrored", TrainOptions(track="wandb"), "pieces")
