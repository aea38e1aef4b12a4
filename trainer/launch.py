"""Start the processes that train together, and start them again when one is lost: torchrun's agent, from within a job.

The job's own process only watches; the first process on this machine tells the world where the training is. Each
machine runs this as a job of its own, and they meet at the rendezvous.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.language import gettext as _
from ..core.progress import Cancelled
from .jobs import Job
from .memory import is_out_of_memory
from .options import TrainOptions
from .plan import Plan
from .reporter import Reporter, SilentReporter

OUTCOME = "outcome.json"  # what the first process on this machine leaves: how it ended
RESTARTS = 20  # of all processes, after one is lost
PATIENCE = 3600  # seconds that the machines wait for each other


def launch(job: Job, reporter: Reporter, options: TrainOptions, number: int) -> None:
    """Train with so many processes here; what they made is the reporter's result.

    Raises UserError and Cancelled as a training alone does.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # A store of its own for each start: processes that begin again else find the addresses of those that are gone.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    outcome = job.path / OUTCOME
    outcome.unlink(missing_ok=True)
    config = LaunchConfig(
        min_nodes=options.nodes,
        max_nodes=options.nodes,
        nproc_per_node=number,
        run_id=f"newleaf-{job.target}",
        rdzv_backend="c10d",
        rdzv_endpoint=options.rendezvous or "localhost:0",
        rdzv_configs={"join_timeout": PATIENCE, "last_call_timeout": 1},
        max_restarts=RESTARTS,
        monitor_interval=0.2,
        start_method="spawn",
        signals_to_handle="SIGQUIT",  # the others ask for a clean end, which the job's stop file says to all
    )
    if options.nodes > 1:
        reporter.update(message=_("waiting for the other machines at {place}").format(place=options.rendezvous))
    with reporter.handed_over():
        try:
            elastic_launch(config, work)(str(job.path))
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


def work(folder: str) -> None:
    """One of the processes."""
    _die_with_parent()
    from .finetuning import FineTuning
    from .group import Processes
    from .training import Training

    job = Job(Path(folder))
    kind_of_training = FineTuning if job.kind == "finetune" else Training
    device = Plan.from_dict(read_object(job.path / "plan.json")).device
    if device == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ["LOCAL_WORLD_SIZE"])))
    group = Processes(device)
    kind = Reporter if group.local_rank == 0 else SilentReporter
    reporter = kind(job, last_word=False)
    found: dict[str, Any] = {"state": "finished"}
    try:
        with reporter:
            kind_of_training(job, reporter, group).run()
    except Cancelled:
        found["state"] = "stopped"
    except UserError as error:
        found = {"state": "failed", "error": str(error)}
    except (RuntimeError, MemoryError) as error:
        traceback.print_exc()
        if is_out_of_memory(error):
            _remember_less(job)
        sys.stdout.flush()
        os._exit(1)  # the others may be waiting for this one: the agent ends them all, and starts them again
    if group.local_rank == 0:
        write_json(job.path / OUTCOME, {**found, "result": reporter.result})
    group.end()


def _remember_less(job: Job) -> None:
    """Compute half as many rows at once from now on."""
    path = job.path / "plan.json"
    values = read_object(path)
    write_json(path, {**values, "micro_rows": max(1, values["micro_rows"] // 2)})


def _die_with_parent() -> None:
    """Leave no process behind when the job's is killed (Linux; elsewhere the broken connection ends it)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
