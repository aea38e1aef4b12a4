"""Several processes train one model: the same steps as one does, on one machine or two, whatever becomes of one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from waiting import finish, wait_for_end, wait_until

import newleaf
from newleaf.core.errors import UserError
from newleaf.core.files import read_object
from newleaf.core.model.store import ModelInfo, load_model
from newleaf.trainer.group import Group, workers
from newleaf.trainer.history import History
from newleaf.trainer.jobs import LIVE, Job
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.resuming import resume
from newleaf.trainer.work import training

TINY = {"size": "nano", "context": 32, "batch_tokens": 224, "device": "cpu", "dtype": "float32", "compile": "off"}
# At a high rate the roundings of sums in another order grow with each step, as any other small difference does.
CALM = {"optimizer": "adamw", "learning_rate": 0.001}
EMBEDDING = ("model.embed_tokens.weight", "lm_head.weight")  # one, which both are
pytestmark = pytest.mark.usefixtures("book", "tokenizer")


def train(name, **options):
    return training.submit("book", name, TrainOptions(**{**TINY, **CALM, **options}), "pieces")


def test_several_processes_without_a_gpu_are_asked_for_by_name():
    with pytest.raises(UserError, match="--gpus 3: there is no GPU"):
        workers(TrainOptions(gpus="3"), "cpu")
    assert workers(TrainOptions(gpus="3", device="cpu"), "cpu") == 3
    assert workers(TrainOptions(gpus="all"), "cpu") == workers(TrainOptions(gpus="1"), "cpu") == 1


def losses(job):
    found = History()
    found.feed(job.events()[0])
    return dict(zip(found.steps, found.losses, strict=True))


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max(abs(one[step] - other[step]) for step in one)


def weights(name):
    return load_model(ModelInfo.open(name).path).state_dict()


def processes(job):
    """Those that do the work, which the job's own has started."""
    return [
        child for child in psutil.Process(job.status()["pid"]).children() if "spawn_main" in " ".join(child.cmdline())
    ]


def test_each_process_has_its_rows_and_all_rows_have_one():
    group = Group()
    for size in range(1, 9):
        for count in range(size, 30):
            group.size, rows = size, []
            for group.rank in range(size):
                mine = list(range(count))[group.rows(count)]
                assert len(mine) in (count // size, count // size + 1)
                rows += mine
            assert rows == list(range(count))


def test_two_processes_do_the_steps_of_one():
    """Seven rows in a step: one process has a row more than the other."""
    options = {"steps": 25, "sampled_softmax": "on", "dropout": 0.1, "token_dropout": 0.1}
    one, two = train("one", **options), train("two", gpus="2", **options)
    finish(one)
    finish(two)
    assert len(losses(one)) == 25
    assert largest_difference(losses(one), losses(two)) < 1e-5
    one_weights, two_weights = weights("one"), weights("two")
    assert all(np.allclose(one_weights[name], two_weights[name], atol=1e-3) for name in one_weights)
    assert ModelInfo.open("one").bits_per_byte == pytest.approx(ModelInfo.open("two").bits_per_byte, abs=1e-4)


@pytest.mark.parametrize(
    ("optimizer", "sampled"),
    [
        pytest.param("adamw", "on", marks=pytest.mark.long),
        pytest.param("sgd", "off", marks=pytest.mark.long),
        ("muon", "off"),
    ],
)
def test_processes_with_a_share_of_the_model_each_do_the_steps_of_one(optimizer, sampled):
    """At Muon's rate for embeddings a piece that is sampled now and then has gradients that are mostly rounding."""
    options = {"steps": 12, "optimizer": optimizer, "weight_decay": 0.1, "sampled_softmax": sampled, "dropout": 0.1}
    one, two = train("one", **options), train("two", gpus="2", shard="on", **options)
    finish(one)
    finish(two)
    assert read_object(two.path / "plan.json")["shard"]
    assert largest_difference(losses(one), losses(two)) < (1e-4 if optimizer == "muon" else 1e-5)
    one_weights, two_weights = weights("one"), weights("two")
    for name, values in one_weights.items():
        if name in EMBEDDING:  # AdamW divides by a gradient's size: a value that has only rounding goes as far as any
            assert (values - two_weights[name]).norm() < 3e-4 * values.norm()
        else:
            assert np.allclose(values, two_weights[name], atol=1e-3)
    assert ModelInfo.open("one").bits_per_byte == pytest.approx(ModelInfo.open("two").bits_per_byte, abs=1e-4)
    assert [event for event in two.events()[0] if event["kind"] == "sample"]


@pytest.mark.long
@pytest.mark.parametrize("shard", ["off", pytest.param("on", marks=pytest.mark.long)])
@pytest.mark.parametrize(("before", "after"), [("2", "1"), ("1", "2"), pytest.param("2", "3", marks=pytest.mark.long)])
def test_a_training_begun_by_so_many_is_finished_by_others(before, after, shard):
    straight, job = train("straight", steps=60), train("changed", steps=60, gpus=before, shard=shard)
    finish(straight)
    wait_until(lambda: len(losses(job)) > 10)
    job.stop()
    wait_until(lambda: job.state not in LIVE)
    assert job.state == "stopped" and 10 < job.status()["step"] < 60
    resume(job, where={"gpus": after})
    assert Job.open(job.name).spec["options"]["gpus"] == after
    finish(job)
    assert largest_difference(losses(straight), losses(job)) < 1e-5


@pytest.mark.long
def test_when_a_process_is_lost_all_begin_again_from_the_last_checkpoint():
    straight, job = train("straight", steps=200), train("robbed", steps=200, gpus="2", checkpoint_every=0.05)
    finish(straight)
    wait_until(lambda: len(losses(job)) > 10)
    victim = processes(job)[-1]
    victim.kill()
    finish(job)
    assert any(event["kind"] == "resume" for event in job.events()[0])
    assert any("A process was lost" in event.get("text", "") for event in job.events()[0])
    assert largest_difference(losses(straight), losses(job)) < 1e-5


@pytest.mark.long
def test_a_fault_that_would_come_again_ends_all_of_them(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import multiprocessing, sys\n"
        "if multiprocessing.parent_process() or 'spawn_main' in ' '.join(sys.orig_argv):\n"
        "    from newleaf.trainer import optimisers\n"
        "    def build(*_told): raise NotImplementedError('there is no such thing')\n"
        "    optimisers.build = build\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(newleaf.__path__[0]).parent}")
    job = train("hopeless", steps=20, gpus="2")
    status = wait_for_end(job)
    assert status["state"] == "failed" and "no such thing" in status["error"]
    assert job.events()[0] and not any("A process was lost" in event.get("text", "") for event in job.events()[0])


@pytest.mark.long
def test_no_process_is_left_when_the_job_is_killed_and_it_can_be_resumed():
    job = train("killed", steps=2000, gpus="2", checkpoint_every=0.05)
    wait_until(lambda: len(losses(job)) > 10)
    children = processes(job)
    assert len(children) == 2
    for child in children:  # as one is that does not come to look at a signal
        child.suspend()
    os.kill(job.status()["pid"], signal.SIGKILL)
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert job.state == "lost"
    resume(job)
    wait_until(lambda: any(event["kind"] == "resume" for event in job.events()[0]))
    job.stop()
    wait_until(lambda: job.state not in LIVE)
    assert job.state == "stopped"


@pytest.mark.long
def test_a_signal_ends_all_of_them_with_a_checkpoint():
    job = train("asked", steps=100_000, gpus="2")
    wait_until(lambda: len(losses(job)) > 3)
    os.kill(job.status()["pid"], signal.SIGTERM)
    wait_until(lambda: job.state not in LIVE)
    assert job.state == "stopped" and job.has_checkpoint


@pytest.mark.long
def test_two_machines_that_meet_at_a_rendezvous_do_the_steps_of_one(newleaf_home, monkeypatch, tmp_path):
    """Two homes, each with a copy of the corpus and a job and an agent of its own."""
    finish(straight := train("straight", steps=25))
    second = tmp_path / "second"
    shutil.copytree(newleaf_home, second, ignore=shutil.ignore_patterns("jobs", "devices", "models"))
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        place = f"localhost:{probe.getsockname()[1]}"
    jobs = []
    for home in (newleaf_home, second):
        monkeypatch.setenv("NEWLEAF_HOME", str(home))
        jobs.append(train("far", steps=25, nodes=2, rendezvous=place))
    for home, job in zip((newleaf_home, second), jobs, strict=True):
        monkeypatch.setenv("NEWLEAF_HOME", str(home))
        finish(job)
        assert largest_difference(losses(straight), losses(job)) < 1e-5
        assert ModelInfo.open("far").bits_per_byte == pytest.approx(
            ModelInfo.at(newleaf_home / "models" / "straight").bits_per_byte, abs=1e-4
        )


@pytest.fixture
def other_network():
    """The name of a network namespace, and the address by which it reaches this one; skips where none can be made."""
    steps = (
        "ip netns add newleaf-test",
        "ip link add newleaf-here type veth peer name newleaf-there netns newleaf-test",
        "ip address add 10.213.7.1/24 dev newleaf-here",
        "ip link set newleaf-here up",
        "ip -n newleaf-test address add 10.213.7.2/24 dev newleaf-there",
        "ip -n newleaf-test link set newleaf-there up",
        "ip -n newleaf-test link set lo up",
    )
    if not shutil.which("ip"):
        pytest.skip("there is no command ip here")
    try:
        if any(subprocess.run(step.split(), capture_output=True).returncode for step in steps):
            pytest.skip("no network namespace can be made here")
        yield "newleaf-test", "10.213.7.1"
    finally:
        subprocess.run(["ip", "netns", "del", "newleaf-test"], capture_output=True)


@pytest.mark.long
def test_machines_that_know_no_name_of_each_other_meet_by_address(newleaf_home, monkeypatch, tmp_path, other_network):
    """Both are called the same, which to each is itself. One is killed, and waited for."""
    finish(straight := train("straight", steps=150))
    name, address = other_network
    second = tmp_path / "second"
    shutil.copytree(newleaf_home, second, ignore=shutil.ignore_patterns("jobs", "devices", "models"))
    options = {"steps": 150, "nodes": 2, "rendezvous": f"{address}:29417", "checkpoint_every": 0.05}
    there = Job(second / "jobs" / "train-far")

    def go_there(script):
        environment = {**os.environ, "NEWLEAF_HOME": str(second), "PYTHONPATH": os.pathsep.join(sys.path)}
        command = ["ip", "netns", "exec", name, sys.executable, "-c", script]
        subprocess.run(command, env=environment, check=True, cwd=Path(__file__).parent)

    go_there(f"import test_group; test_group.train('far', **{options!r})")
    time.sleep(2)
    here = train("far", **options)
    wait_until(lambda: len(losses(here)) > 10)
    os.kill(there.status()["pid"], signal.SIGKILL)
    wait_until(lambda: there.state == "lost")
    go_there("import test_group; test_group.resume(test_group.Job.open('train-far'))")
    for job in (here, there):
        finish(job)
        assert largest_difference(losses(straight), losses(job)) < 1e-5


@pytest.mark.long
def test_no_process_is_left_when_the_job_is_killed_while_they_start():
    job = train("killed-early", steps=2000, gpus="2")
    wait_until(lambda: "pid" in job.status() and len(processes(job)) == 2)
    children = processes(job)
    os.kill(job.status()["pid"], signal.SIGKILL)
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert job.state == "lost" and not losses(job)


@pytest.mark.long
def test_who_waits_for_another_machine_can_be_stopped():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        place = f"localhost:{probe.getsockname()[1]}"
    job = train("alone", steps=25, nodes=2, rendezvous=place)
    wait_until(lambda: "waiting for the other machines" in job.status().get("message", ""))
    job.stop()
    wait_until(lambda: job.state not in LIVE)
    assert job.state == "stopped"


def test_a_training_that_has_begun_without_a_gpu_goes_on_in_several_processes():
    job = train("alone", steps=8, device="auto")
    finish(job)
    resume(job, steps="+4", where={"gpus": "2"})
    finish(job)
    assert job.status()["step"] == 12
    assert Job.open(job.name).spec["options"]["device"] == "cpu"


@pytest.mark.long
def test_a_machine_that_nobody_knows_is_said_to_be_so():
    job = train("lonely", steps=25, nodes=2, rendezvous="no-such-machine.invalid:29400")
    wait_until(lambda: job.state not in LIVE)
    assert "no-such-machine.invalid:29400 names no machine" in job.status()["error"]


def test_what_is_wrong_with_the_numbers_is_said():
    for options, word in (
        ({"gpus": "0"}, "from 1 to 1,024"),
        ({"gpus": "5000"}, "from 1 to 1,024"),
        ({"gpus": "many"}, "all"),
        ({"nodes": 2}, "HOST:PORT"),
        ({"nodes": 2, "rendezvous": "here"}, "HOST:PORT"),
        ({"nodes": 2, "rendezvous": "here:70000"}, "65535"),
        ({"nodes": 2, "rendezvous": "here:0"}, "65535"),
        ({"folds": 3, "time": 5.0}, "4 trainings: they need a --time of 8s"),
    ):
        with pytest.raises(UserError, match=word):
            TrainOptions(**options)
