"""Start the processes that train together, and start them again when one is lost: torchrun's agent, from within a job.

The job's own process only watches; the first process on this machine tells the world where the training is. Each
machine runs this as a job of its own, and they meet at the rendezvous.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import torch

from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.language import gettext as _
from ..core.progress import Cancelled
from .group import Processes
from .jobs import STOP, WATCHED, Job, die_with
from .memory import is_out_of_memory
from .options import TrainOptions
from .plan import Plan
from .reporter import Reporter, SilentReporter, fault

LAUNCHED = "NEWLEAF_LAUNCHED"  # in the environment of processes that were started together: when, on the clock
OUTCOME = "outcome.json"  # what the first process on this machine leaves: how it ended
RESTARTS = 20  # of all processes, after one is lost
PATIENCE = 3600  # seconds that the machines wait for each other
LOOK = 0.5  # seconds between two looks, for another machine and for a wish to stop
LONG_ALONE = 6  # looks without a process until it is told what is waited for


def launch(job: Job, reporter: Reporter, options: TrainOptions, number: int) -> None:
    """Train with so many processes here; what they made is the reporter's result.

    Raises UserError and Cancelled as a training alone does.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # A store of its own for each start: processes that begin again else find the addresses of those that are gone.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    outcome = job.path / OUTCOME
    outcome.unlink(missing_ok=True)
    meeting: dict[str, Any] = {"join_timeout": PATIENCE, "last_call_timeout": 1}
    address: str | None = None
    if options.nodes > 1:
        place = str(options.rendezvous)
        reporter.update(message=_("waiting for the other machines at {place}").format(place=place))
        meeting["is_host"], address = _meet(place, reporter)
        # A machine's own name often means nothing to others, or 127.0.1.1 to itself.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _interface(address))
    config = LaunchConfig(
        min_nodes=options.nodes,
        max_nodes=options.nodes,
        nproc_per_node=number,
        run_id=f"newleaf-{job.target}",
        rdzv_backend="c10d",
        rdzv_endpoint=options.rendezvous or "localhost:0",
        rdzv_configs=meeting,
        local_addr=address,
        max_restarts=RESTARTS,
        monitor_interval=0.2,
        start_method="spawn",
        signals_to_handle="SIGQUIT",  # the others ask for a clean end, which the job's stop file says to all
    )
    agent = elastic_launch(config, work)
    os.environ[WATCHED] = str(os.getpid())
    if options.nodes == 1:  # the wait for other machines is none of a training's time
        os.environ[LAUNCHED] = str(time.time())
    with reporter.handed_over(), _looks_after_them(reporter, options.rendezvous):
        try:
            try:
                agent(str(job.path))
            except RendezvousError as error:
                if not meeting.get("is_host") or "EADDRINUSE" not in _reason(error):
                    raise
                meeting["is_host"] = False  # another process of this machine had the port first
                agent(str(job.path))
        except SignalException:
            raise Cancelled from None
        except RendezvousError as error:
            text = _("The machines lost each other at {place}: {error}. Go on, on each: newleaf job resume {name}")
            raise UserError(text.format(place=options.rendezvous, error=_reason(error), name=job.name)) from None
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            text = _("Process {rank} of the training was lost {times} times, last with: {error}. See the job's log.")
            raise UserError(text.format(rank=rank, times=RESTARTS + 1, error=failure.message)) from None
    stopped: dict[str, Any] = {"state": "stopped"}
    found = read_object(outcome, "state") if outcome.exists() else stopped
    reporter.result = found.get("result", {})
    if found["state"] == "failed":
        raise UserError(found["error"])
    if found["state"] == "stopped":
        raise Cancelled


def since_launch() -> float:
    """Seconds since this process was to be started by another: of the plan's time they are gone."""
    return max(0.0, time.time() - float(os.environ[LAUNCHED])) if LAUNCHED in os.environ else 0.0


def _reason(error: Exception) -> str:
    """Why machines did not meet, or lost each other, in a line."""
    return str(error.__cause__ or error).partition("\n")[0].rstrip(".")


def _meet(place: str, reporter: Reporter) -> tuple[bool, str]:
    """Whether the others come to this process, and its machine's address for them.

    They do where its machine is the place and nobody has the port yet: PyTorch alone would not know an address to be
    its machine's where the machine's name means another. Elsewhere it waits until somebody answers. Raises UserError
    and Cancelled.
    """
    host, _colon, port = place.rpartition(":")
    host = host.strip("[]")
    try:
        addresses = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, OverflowError) as error:
        text = _("--rendezvous {place} names no machine that is known here: {error}.")
        raise UserError(text.format(place=place, error=getattr(error, "strerror", None) or error)) from None
    if here := [address for address in addresses if _can_bind(address, 0)]:
        return any(_can_bind(address, int(port)) for address in here), str(here[0][4][0])
    deadline = time.monotonic() + PATIENCE
    while True:
        reporter.check()
        try:
            with socket.create_connection((host, int(port)), timeout=2) as connection:
                return False, str(connection.getsockname()[0])
        except OSError as error:
            if time.monotonic() > deadline:
                text = _("Nobody answers at {place}: {error}. Start the training on that machine too.")
                raise UserError(text.format(place=place, error=error.strerror or error)) from None
            time.sleep(LOOK)


def _can_bind(address: tuple[Any, ...], port: int) -> bool:
    """Whether a port of an address, as `getaddrinfo` has it, can be had here; 0: any, if the address is one of here."""
    family, kind, _protocol, _name, (ip, _port, *rest) = address
    try:
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as who will have it does
            probe.bind((ip, port, *rest))
    except OSError:
        return False
    return True


def _interface(address: str) -> str:
    """The network interface that has an address of this machine."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(each.address.partition("%")[0] == address for each in addresses):
            return name
    return "lo"  # 127.0.0.2 and the like


@contextlib.contextmanager
def _looks_after_them(reporter: Reporter, place: str | None) -> Iterator[None]:
    """In this context the wait for other machines at a place is told of, and a wish to stop ends it too, with a
    SignalException or Cancelled.

    While there are processes it is theirs to tell and to look; while there are none, nobody does.
    """

    def cancel(*_signal: object) -> None:
        raise Cancelled

    def watch() -> None:
        alone = 0
        while not ended.wait(LOOK):
            alone = 0 if _processes() else alone + 1
            if alone > 1 and reporter.stop_requested:  # not just between two starts
                os.kill(os.getpid(), signal.SIGQUIT)
                return
            if alone == LONG_ALONE and place:
                reporter.tell_for_others(_("waiting for the other machines at {place}").format(place=place))

    ended = threading.Event()
    before = signal.signal(signal.SIGQUIT, cancel)  # the agent has one of its own, once it runs
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGQUIT, before)


def _processes() -> list[psutil.Process]:
    """Those that train, which this one has started."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child)
    return found


def work(folder: str) -> None:
    """One of the processes."""
    # Again: PyTorch has just put a wish in its place, which a process in a long product does not come to hear.
    die_with(int(os.environ.pop(WATCHED)))
    from .finetuning import FineTuning
    from .training import Training

    job = Job(Path(folder))
    if _is_over(job):
        return
    kind_of_training = FineTuning if job.kind == "finetune" else Training
    device = Plan.from_dict(read_object(job.path / "plan.json")).device
    if device == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ["LOCAL_WORLD_SIZE"])))
    group = _join(job, device)
    kind = Reporter if group.local_rank == 0 else SilentReporter
    reporter = kind(job, last_word=False)
    found: dict[str, Any] = {"state": "finished"}
    try:
        with reporter:
            if lost := int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)):
                reporter.message(
                    _("A process was lost: all go on from the last checkpoint ({number} of {most} times).").format(
                        number=lost, most=RESTARTS
                    )
                )
            kind_of_training(job, reporter, group).run()
    except Cancelled:
        found["state"] = "stopped"
    except UserError as error:
        found = {"state": "failed", "error": str(error)}
    except Exception as error:
        traceback.print_exc()
        if is_out_of_memory(error):
            _remember_less(job)
        elif not isinstance(error, RuntimeError | ConnectionError) or isinstance(error, NotImplementedError):
            # It would come again.
            write_json(job.path / OUTCOME, {"state": "failed", "error": fault(error, job.name)})
        sys.stdout.flush()
        os._exit(1)  # the others may be waiting for this one: the agent ends them all, and starts them again
    if group.local_rank == 0:
        write_json(job.path / OUTCOME, {**found, "result": reporter.result})
    group.end()


def _is_over(job: Job) -> bool:
    """Whether it has failed, or come to its end on this machine alone, and processes were lost after that."""
    if not (job.path / OUTCOME).exists():
        return False
    alone = os.environ["LOCAL_WORLD_SIZE"] == os.environ["WORLD_SIZE"]
    return alone or read_object(job.path / OUTCOME, "state")["state"] == "failed"


def _join(job: Job, device: str) -> Processes:
    """Meet the others. A machine that is gone since keeps all waiting: a wish to stop ends them then."""
    joined = threading.Event()

    def watch() -> None:
        while not joined.wait(LOOK):
            if (job.path / STOP).exists():
                os.kill(os.getppid(), signal.SIGQUIT)
                return

    if os.environ["LOCAL_RANK"] == "0":
        threading.Thread(target=watch, daemon=True).start()
    try:
        return Processes(device)
    finally:
        joined.set()


def _remember_less(job: Job) -> None:
    """Compute half as many rows at once from now on."""
    path = job.path / "plan.json"
    values = read_object(path)
    write_json(path, {**values, "micro_rows": max(1, values["micro_rows"] // 2)})
