"""`newleaf serve`: a server from its first word to its end. What it answers is in test_http.py."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from command_line import data, newleaf
from waiting import wait_until

from newleaf.core.home import home
from newleaf.trainer.jobs import LIVE, Job
from newleaf.trainer.resuming import resume


@pytest.fixture(autouse=True)
def home_exists():
    return home()


@pytest.fixture
def serve():
    """A function that starts a server and gives it and the words it began with."""
    started = []

    def start(*words, **environment):
        command = [sys.executable, "-m", "newleaf", "serve", *map(str, words)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        started.append(process)
        line = ""
        while "Serving at" not in line:
            line = process.stderr.readline()
            assert line, "it ended at once"
        return process, line

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def test_on_a_port_that_is_free(tiny_model, serve):
    process, words = serve("--port", "0")
    address = re.search(r"http://127\.0\.0\.1:\d+/v1", words)[0]
    assert httpx.get(f"{address}/models").json()["data"][0]["id"] == "tiny"
    body = {"model": "tiny", "prompt": "The", "max_tokens": 3, "temperature": 0}  # by chance it could end sooner
    done = httpx.post(f"{address}/completions", json=body, timeout=60)
    assert done.json()["usage"]["completion_tokens"] == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in process.stderr.read()


def test_ctrl_c_ends_it_in_the_middle_of_a_text(tiny_model, serve):
    process, words = serve("tiny", "--port", "0")
    address = re.search(r"http://[^ ]+/v1", words)[0]
    body = {"prompt": "The", "max_tokens": 1_000_000, "temperature": 0, "stream": True}
    with httpx.stream("POST", f"{address}/completions", json=body, timeout=60) as answer:
        next(answer.iter_lines())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (0, 130)
    assert "Traceback" not in process.stderr.read()


def test_a_unix_socket_is_its_owners_alone(tiny_model, serve, tmp_path):
    path = tmp_path / "s"
    process, _words = serve("--socket", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://any") as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == "tiny"
    done = newleaf("serve", "--socket", path)
    assert done.returncode == 1 and "Another program listens" in done.stderr
    process.kill()  # what it leaves is no hindrance
    process.wait()
    process, _words = serve("--socket", path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert not path.exists()


def test_the_token_can_come_from_the_environment(tiny_model, serve):
    _process, words = serve("--host", "0.0.0.0", "--port", "0", NEWLEAF_TOKEN="secret")
    address = re.search(r"http://[^ ]+/v1", words)[0].replace("0.0.0.0", "127.0.0.1")
    assert httpx.get(f"{address}/models").status_code == 401
    assert httpx.get(f"{address}/models", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_a_server_outlives_an_engine_that_is_killed(tiny_model, serve):
    _process, words = serve("--port", "0")
    address = re.search(r"http://[^ ]+/v1", words)[0]
    root = address.removesuffix("/v1")
    assert httpx.get(f"{root}/health", timeout=60).status_code == 200
    os.kill(engine(), signal.SIGKILL)
    assert httpx.get(f"{root}/health", timeout=60).json()["status"] == "ok"


def test_in_the_background_until_its_job_is_stopped(tiny_model):
    job = Job.open(data("serve", "tiny", "--port", "0", "--token", "secret", "--detach")["name"])
    wait_until(lambda: "/v1" in job.status().get("message", ""))
    address = re.search(r"http://[^ ]+/v1", job.status()["message"])[0]
    assert httpx.get(f"{address}/models", headers={"Authorization": "Bearer secret"}).status_code == 200
    wait_until(lambda: "1 request" in job.status()["message"])
    assert "secret" not in newleaf("job", "show", job.name).stdout
    assert "%" not in newleaf("job", "list").stdout
    refused = newleaf("model", "rename", "tiny", "small")
    assert refused.returncode == 1 and "is at work on model tiny" in refused.stderr
    assert newleaf("job", "stop", job.name).returncode == 0
    assert job.state == "stopped"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/models")
    resume(job)
    wait_until(lambda: "/v1" in job.status().get("message", ""))


def test_a_job_that_cannot_listen_says_why(tiny_model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        job = Job.open(data("serve", "--port", taken.getsockname()[1], "--detach")["name"])
        wait_until(lambda: job.state not in LIVE)
    assert job.name == "serve-models" and "Cannot listen" in job.status()["error"]


def engine():
    """The process of the engine of this test's home."""
    mine = f"NEWLEAF_HOME={os.environ['NEWLEAF_HOME']}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command, environment = ((process / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
            if b"newleaf.core.engine.server" in command and mine in environment:
                return int(process.name)
    raise AssertionError


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--host", "0.0.0.0"], 2, "--token"),
        (["--port", "70000"], 2, "--port"),
        (["--timeout", "soon"], 2, "--timeout"),
        (["--json"], 1, "--json needs --detach"),
        (["absent"], 1, "no model absent"),
        (["--host", "no.such.host.invalid", "--token", "t"], 1, "Cannot listen"),
        (["--socket", "/no/such/folder/s"], 1, "Cannot listen"),
    ],
)
def test_what_cannot_be_served_is_told(words, code, sentence):
    done = newleaf("serve", *words)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = newleaf("serve", "--port", taken.getsockname()[1])
    assert done.returncode == 1 and "Choose another --port" in done.stderr
