"""A job: a folder on disk, and one background process that writes into it.

    job.json      what to do: kind, name of what is made, options
    status.json   state, progress, time left, message; on failure a sentence
    events.jsonl  what happened, a line each
    log.txt       everything else that the process said

The process holds the lock of the folder from before it exists (its starter takes the lock and hands it on) until it is
gone, however it goes. So a job whose status says "running" while nobody holds its lock is lost, and nothing else is.
A stop is asked for by a file: there is no signal that could reach the wrong process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ..core import store
from ..core.errors import UserError
from ..core.files import FolderLock, read_lines, read_object, staged_folder, write_json
from ..core.home import check_name, folder, home_path
from ..core.language import current_language
from ..core.language import gettext as _

FORMAT = 1
LIVE = ("queued", "running", "stopping")
ENDLESS = ("serve",)  # kinds of jobs that go on until somebody stops them
TRAININGS = ("train", "finetune")  # kinds of jobs that train a model, in steps and with checkpoints
RESUMABLE = ("stopped", "failed", "lost")
FOLDS = "folds.json"  # what a cross-validation has found so far
STOP = "stop"  # the file that asks for a stop
PAUSE = "pause"  # what stands in it when the job shall go on some time
WATCHED = "NEWLEAF_JOB_PROCESS"  # in the environment of processes that a job's starts: its number
STARTING = 5.0  # seconds within which a new job's process takes over

_children: list[subprocess.Popen[bytes]] = []  # started here: reaped when somebody looks


@dataclass(frozen=True)
class Job:
    """A job that exists."""

    path: Path

    @classmethod
    def open(cls, name: str) -> Job:
        """The job of this name. Raises UserError when there is none."""
        return cls(store.find("jobs", name))

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The content of `job.json`."""
        return read_object(self.path / "job.json", "kind", "target", "created", "inputs", "options")

    @property
    def kind(self) -> str:
        """ "import", "tokenizer", "train", "finetune", "evaluate", "export", "model" or "serve"."""
        return str(self.spec["kind"])

    @property
    def trains(self) -> bool:
        """Whether it trains a model, in steps and with checkpoints."""
        return self.kind in TRAININGS

    @property
    def target(self) -> str:
        """The name of the corpus, tokenizer or model that it makes."""
        return str(self.spec["target"])

    @property
    def tokenizer(self) -> str | None:
        """The tokenizer that a training reads with, given or made by itself, if it is there; a model brings its own."""
        inputs = self.spec["inputs"]
        name = inputs.get("tokenizer") or self.target
        reads = self.kind == "train" and not inputs.get("from")
        return name if reads and name in store.names("tokenizers") else None

    @property
    def lock(self) -> FolderLock:
        """The right to write into the folder."""
        return FolderLock(self.path)

    def status(self) -> dict[str, Any]:
        """The content of `status.json`, with the state as it is now: "lost" where the process is gone."""
        _children[:] = [child for child in _children if child.poll() is None]
        status = self._read_status()
        if status["state"] in LIVE and not self.lock.is_held():
            status = self._read_status()  # it may have ended between the two looks
            no_word_yet = status["state"] == "queued" and "pid" not in status
            just_made = no_word_yet and time.time() - status["updated"] < STARTING
            if status["state"] in LIVE and not just_made:
                status["state"] = "lost"
                words = _(
                    "The process is gone without a word: it was killed, or the machine went off. "
                    "Go on from the last checkpoint: newleaf job resume {name}"
                )
                if not self.has_work:
                    words = _(
                        "The process is gone without a word: it was killed, or the machine went off. "
                        "Begin again: newleaf job resume {name}"
                    )
                status["error"] = words.format(name=self.name)
        elif status["state"] in LIVE and (self.path / STOP).exists():
            status["state"] = "stopping"
        if status["state"] in ("stopping", "stopped") and self._is_paused():
            status["paused"] = True
        return status

    def _is_paused(self) -> bool:
        try:
            return (self.path / STOP).read_text(encoding="utf-8") == PAUSE
        except OSError:
            return False

    def _read_status(self) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError, UserError):
            status = read_object(self.path / "status.json", "state", "progress", "updated")
            if status["state"] in (*LIVE, *RESUMABLE, "finished"):
                return status
        return {"state": "queued", "progress": 0.0, "updated": 0.0}  # the next beat of the process writes it anew

    @property
    def state(self) -> str:
        """One of queued, running, stopping, stopped, finished, failed, lost."""
        return str(self.status()["state"])

    def events(self, offset: int = 0, most: int = -1) -> tuple[list[dict[str, Any]], int]:
        """What happened since byte `offset` of `events.jsonl`, and the offset to go on from.

        With `most`, of about so many bytes only: the events of a long training are many.
        """
        return read_lines(self.path / "events.jsonl", offset, most)

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is one of its own training; those of a cross-validation's folds are others."""
        return any((self.path / "checkpoints").glob("step-*"))

    @property
    def has_work(self) -> bool:
        """Whether a resumed job would not begin from the beginning."""
        return self.has_checkpoint or (self.path / FOLDS).exists() or any(self.path.glob("fold-*/step-*"))

    @property
    def log_size(self) -> int:
        """Bytes of all that the process said so far."""
        try:
            return (self.path / "log.txt").stat().st_size
        except FileNotFoundError:
            return 0

    def log(self) -> str:
        """All that the process said."""
        try:
            return (self.path / "log.txt").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def summary(self) -> dict[str, Any]:
        """What `job show --json` says of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "path": str(self.path),
            "target": self.target,
            "created": self.spec["created"],
            **self.status(),
        }

    def stop(self) -> None:
        """Ask the process to end soon, with all that it has done so far kept. Raises UserError when it does not run."""
        self._check_live()
        (self.path / STOP).touch()

    def pause(self) -> None:
        """The same for a training, which is said to be paused then. Raises UserError for what has no checkpoints."""
        if not self.trains:
            raise UserError(_("Only a training can be paused: job {name} would begin anew.").format(name=self.name))
        self._check_live()
        (self.path / STOP).write_text(PAUSE, encoding="utf-8")

    def _check_live(self) -> None:
        state = self.state
        if state not in LIVE:
            raise UserError(
                _("Job {name} is not running: it is {state}.").format(name=self.name, state=state_word(state))
            )

    def remove(self) -> None:
        """Remove the folder, checkpoints and all; what it made stays. Raises UserError while it runs."""
        with self.while_there():
            state, lock = self.state, self.lock
            if state not in LIVE and not lock.acquire(patience=STARTING):  # it has just ended, or is resumed
                state = found if (found := self.state) in LIVE else "stopping"
            if state in LIVE:
                raise UserError(
                    _(
                        "Job {name} is at work or waits for it: it is {state}. Stop it first: newleaf job stop {name}"
                    ).format(name=self.name, state=state_word(state))
                )
            try:
                store.remove("jobs", self.name)
            finally:
                lock.release()

    @contextlib.contextmanager
    def while_there(self) -> Iterator[None]:
        """For what needs the folder: raises UserError where somebody removes it meanwhile."""
        try:
            yield
        except FileNotFoundError:
            Job.open(self.name)
            raise

    def follow(
        self, offset: int = 0, interval: float = 0.25
    ) -> Iterator[tuple[list[dict[str, Any]], int, dict[str, Any]]]:
        """New events since `offset`, the offset after them, and the status: again and again until it runs no more."""
        while True:
            status = self.status()  # before the events: at the end none is missed
            events, offset = self.events(offset)
            yield events, offset, status
            if status["state"] not in LIVE:
                return
            time.sleep(interval)


def _open_whole(name: str) -> Job:
    job = Job.open(name)
    job.summary()  # raises when something is damaged
    return job


def list_jobs() -> list[Job]:
    """All jobs, the newest first."""
    return sorted(store.open_all("jobs", _open_whole), key=lambda job: -job.spec["created"])


def create(
    kind: str, target: str, inputs: Mapping[str, Any], options: Mapping[str, Any], stdin: IO[Any] | None = None
) -> Job:
    """Make a job of `kind` that will make `target`, and start its process, which may read on at `stdin`.

    A finished or failed job of the same name gives way, as does one that would begin from the beginning anyway. Raises
    UserError when such a job is at work, or stopped halfway through a training.
    """
    name = f"{kind}-{check_name(target)}"
    path = folder("jobs") / name
    if (path / "job.json").exists():
        _make_room(Job(path))
    created = round(time.time(), 3)
    with staged_folder(path) as staging:
        if (path / "job.json").exists():  # somebody was quicker
            _make_room(Job(path))
        write_json(
            staging / "job.json",
            {
                "format": FORMAT,
                "kind": kind,
                "target": target,
                "created": created,
                "inputs": dict(inputs),
                "options": dict(options),
            },
        )
        write_json(staging / "status.json", {"state": "queued", "progress": 0.0, "updated": created})
    job = Job(path)
    start(job, stdin)
    return job


def check_free(kind: str, target: str) -> None:
    """Raises UserError where a job that makes `target` is at work, or stopped halfway through a training."""
    path = folder("jobs") / f"{kind}-{check_name(target)}"
    if (path / "job.json").exists():
        _check_over(Job(path))


def _make_room(job: Job) -> None:
    _check_over(job)
    job.remove()


def _check_over(job: Job) -> None:
    state = job.state
    if state in LIVE:
        raise UserError(_("Job {name} is making it already. Watch it: newleaf job watch {name}").format(name=job.name))
    if state in ("stopped", "lost") and job.has_work:
        raise UserError(
            _(
                "Job {name} is {state}, with its work so far. Go on with it: newleaf job resume {name}. "
                "Or remove it: newleaf job remove {name}"
            ).format(name=job.name, state=state_word(state))
        )


def start(job: Job, stdin: IO[Any] | None = None, prepare: Callable[[], Mapping[str, Any]] = dict[str, Any]) -> None:
    """Start the process of a job that has none. It belongs to no terminal and outlives whoever started it.

    What `prepare` does in the folder is done while nobody else may write there; it gives what is to be in the status.
    Raises UserError when it runs already, or is removed.
    """
    with job.while_there():
        _start(job, stdin, prepare)


def _start(job: Job, stdin: IO[Any] | None, prepare: Callable[[], Mapping[str, Any]]) -> None:
    lock = job.lock
    if not lock.acquire(patience=STARTING):  # a process that has just said its last word may not be gone yet
        raise UserError(_("Job {name} is running already.").format(name=job.name))
    try:
        if not lock.is_in_place():
            raise FileNotFoundError(lock.path)
        before = job._read_status()
        status = {"progress": before["progress"], **prepare(), "state": "queued", "updated": round(time.time(), 3)}
        (job.path / STOP).unlink(missing_ok=True)
        write_json(job.path / "status.json", status)
        with (job.path / "log.txt").open("ab") as log:
            _children.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", "newleaf.trainer.worker", str(job.path), str(lock.descriptor)],
                    stdin=stdin or subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=job.path,
                    env=worker_environment(),
                    start_new_session=True,
                    pass_fds=[lock.descriptor],
                )
            )
    finally:
        lock.release()


def worker_environment() -> dict[str, str]:
    """The environment of a process that works for this one."""
    return {
        # Large pages of memory, where the C library is glibc and the system gives them to who asks: up to 5 % of a step
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        **os.environ,
        "NEWLEAF_HOME": str(home_path()),
        "NEWLEAF_LANGUAGE": current_language(),
    }


def state_word(state: str) -> str:
    """A state in the language in use."""
    return {
        "queued": _("queued"),
        "running": _("running"),
        "stopping": _("stopping"),
        "stopped": _("stopped"),
        "finished": _("finished"),
        "failed": _("failed"),
        "lost": _("lost"),
    }[state]


def failure_text(name: str, status: Mapping[str, Any]) -> str:
    """How a job that did not come to its end is spoken of, and why, in a line."""
    words = {"name": name, "state": state_word(str(status["state"])), "error": status.get("error", "")}
    return _("{name}: {state}. {error}").format(**words).rstrip()


def job_word(status: Mapping[str, Any]) -> str:
    """The same for a job's status or summary, which knows whether it is paused."""
    if status.get("paused"):
        return _("paused") if status["state"] == "stopped" else _("pausing")
    return state_word(status["state"])


def place_text(status: Mapping[str, Any]) -> str:
    """How far a job is: what its process says while it runs, in the language that it was started in, and of a training
    that ended its steps."""
    step, total = status.get("step"), status.get("total_steps")
    if status["state"] in LIVE or (status["state"] == "finished" and step is None):
        return str(status.get("message", ""))
    if step is None:
        return ""  # what its process said last was what it was about to do
    words = _("step {step:,}") if total is None else _("step {step:,} of {total:,}")
    return words.format(step=step, total=total)


def share_text(status: Mapping[str, Any]) -> str:
    """How far a job is, of its status or summary; nothing for one that has no end of its own."""
    return "" if status["kind"] in ENDLESS else f"{status['progress']:.0%}"


def kind_word(kind: str) -> str:
    """A kind of job in the language in use."""
    return {
        "import": _("import"),
        "tokenizer": _("tokenizer"),
        "train": _("training"),
        "finetune": _("fine-tuning"),
        "evaluate": _("evaluation"),
        "export": _("export"),
        "model": _("model import"),
        "serve": _("serving"),
    }.get(kind, kind)


def die_with(parent: int) -> None:
    """Leave no process behind when the job's is killed (Linux; elsewhere the broken connection ends it)."""
    if sys.platform.startswith("linux"):
        import ctypes  # late: the app needs none of it

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before
        os._exit(1)
