"""What this machine can do in training, measured on real steps of a small model for some seconds, and remembered."""

from __future__ import annotations

import contextlib
import platform
import time
from dataclasses import asdict, replace
from typing import Any

import psutil
import torch

from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.home import home
from ..core.memory import total_memory
from ..core.model.device import choose_device
from ..core.model.gpt import GPT
from .group import Network
from .optimisers import build
from .options import TrainOptions
from .plan import Machine, Trial, make_plan, step_flops
from .step import gradients, update

REMEMBERED = 86_400.0  # seconds
REMEMBERED_BUSY = 300.0  # likewise, when the machine had other work at the time:
OTHER_WORK = 0.25  # of all that its processors can do
SHORTEST = 1.0  # seconds of steps for each type
TOKENS = 2048  # of a step
_UNKNOWN = Machine("cpu", "", 1, 0, {"nano": 1e11, "mini": 1e11}, "float32")


def machine(device: str = "auto") -> Machine:
    """This machine, with the device asked for; measured when there is no measurement of late."""
    device = choose_device(device)
    known = _remembered()
    mine = known.get(_key(device), {})
    with contextlib.suppress(KeyError, TypeError):  # nothing is remembered, or nothing that is whole
        if time.time() < mine["until"]:
            trials = {shape: Trial(**values) for shape, values in mine["trials"].items()}
            return Machine(**mine["machine"], trials=trials)
    before = _cpu_times()
    found = measure(device)
    until = time.time() + (REMEMBERED_BUSY if _was_busy(before) else REMEMBERED)
    values = asdict(found)
    del values["trials"]
    known[_key(device)] = {"until": round(until, 3), "machine": values, "trials": {}}
    write_json(home() / "machine.json", known)
    return found


def remember(machine: Machine, shape: str, trial: Trial) -> Machine:
    """The machine, with what was found of a shape; kept as long as what is known of the machine."""
    known = _remembered()
    with contextlib.suppress(KeyError, TypeError):
        known[_key(machine.device)]["trials"][shape] = asdict(trial)
        write_json(home() / "machine.json", known)
    return replace(machine, trials={**machine.trials, shape: trial})


def _remembered() -> dict[str, Any]:
    with contextlib.suppress(OSError, UserError):
        return read_object(home() / "machine.json")
    return {}


def _cpu_times() -> tuple[float, float, float]:
    """Seconds that all processors have worked, that this process has worked, and on the clock."""
    total, mine = psutil.cpu_times(), psutil.Process().cpu_times()
    return sum(total) - total.idle - getattr(total, "iowait", 0.0), mine.user + mine.system, time.monotonic()


def _was_busy(before: tuple[float, float, float]) -> bool:
    """Whether the machine had other work since then."""
    total, mine, clock = (new - old for new, old in zip(_cpu_times(), before, strict=True))
    return total - mine > OTHER_WORK * clock * (psutil.cpu_count() or 1)


def _key(device: str) -> str:
    return f"{device} {_device_name(device)} torch {torch.__version__} threads {torch.get_num_threads()}"


def measure(device: str) -> Machine:
    """Time real steps: of the small model in each type, and of the smallest in the faster one."""
    rates = {dtype: _rate("mini", device, dtype) for dtype in ("float32", "bfloat16")}
    best = max(rates, key=rates.__getitem__)
    peak = {dtype: _peak(device, getattr(torch, dtype)) for dtype in rates}
    return Machine(
        peak=peak,
        device=device,
        name=_device_name(device),
        threads=torch.get_num_threads(),
        memory_bytes=_memory_bytes(device),
        dtype=best,
        flops={"nano": _rate("nano", device, best), "mini": rates[best]},
    )


def _rate(size: str, device: str, dtype: str) -> float:
    """FLOP a second, as the plan counts them: of a quick step, for what else the machine does now will pass."""
    plan = make_plan(TrainOptions(steps=1, size=size, batch_tokens=TOKENS), _UNKNOWN, 4096, 10**6, 10**4)
    plan = replace(plan, device=device, dtype=dtype)
    model = GPT(plan.model_config).to(device)
    model.initialise(torch.Generator(device).manual_seed(0))
    optimisers = build(model, plan)
    block = torch.randint(4096, (plan.rows, plan.context + 1), device=device)
    seconds: list[float] = []
    while sum(seconds) < SHORTEST or len(seconds) < 2:
        start = now(device)
        gradients(Network(model), plan, block[:, :-1], block[:, 1:])
        update(optimisers)
        seconds.append(now(device) - start)
    return step_flops(model.config, plan.batch_tokens, plan.optimizer) / sorted(seconds)[len(seconds) // 4]


def _peak(device: str, dtype: torch.dtype) -> float:
    """FLOP a second of a large matrix product: more than any training gets."""
    size = 2048 if device == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _side in range(2))
    seconds = []
    for _try in range(5):
        start = now(device)
        left @ right
        seconds.append(now(device) - start)
    return 2 * size**3 / min(seconds)


def now(device: str) -> float:
    """Seconds on a clock, when the device has done all that it was told."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def _device_name(device: str) -> str:
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return platform.processor() or platform.machine()


def _memory_bytes(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.get_device_properties(0).total_memory)
    return total_memory()
