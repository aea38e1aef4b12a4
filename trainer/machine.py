"""What this machine can do in training, measured on real steps of small models for some seconds, and remembered."""

from __future__ import annotations

import contextlib
import math
import platform
import time
from collections.abc import Callable, Iterable
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
from ..core.model.linear import product
from .batches import made_up_batch
from .group import Network
from .optimisers import build
from .options import TrainOptions
from .plan import MEASURED, Machine, Trial, make_plan, step_flops
from .step import gradients, update

REMEMBERED = 86_400.0  # seconds
REMEMBERED_BUSY = 300.0  # likewise, when the machine had other work at the time:
OTHER_WORK = 0.25  # of all that its processors can do
MOST_ROUNDS, LONG_ENOUGH = 12, 4.0  # measurements of everything, and seconds of them,
WHEN_BUSY = 2  # times as many where the machine has other work, which may end meanwhile
RUINOUS = 4.0  # times as slow: a type that the processor has no units for,
SMALL = 512, 128, 352  # found by a linear map of so many tokens, from and to so many dimensions, as a step has them:
# where the type is ruinous, a step can take a minute
HALVES, OFTEN = ("bfloat16", "float16"), 10  # types of half the size; how often float32 is timed beside
TOKENS = 2048  # of a step
LARGE, LARGE_ON_GPU = 2048, 8192  # rows and columns of the product that is the peak
_UNKNOWN = Machine("cpu", "", 1, 0, {"nano": 1e11, "mini": 1e11}, "float32")


def machine(device: str = "auto", check: Callable[[], None] = lambda: None) -> Machine:
    """This machine, with the device asked for; measured when there is no measurement of late.

    `check` is called between two measurements, and ends it with what it raises.
    """
    device = choose_device(device)
    known = _remembered()
    mine = known.get(_key(device), {})
    with contextlib.suppress(KeyError, TypeError):  # nothing is remembered, or nothing that is whole
        if time.time() < mine["until"]:
            trials = {shape: Trial(**values) for shape, values in mine["trials"].items()}
            return Machine(**mine["machine"], trials=trials)
    before = cpu_times()
    found = measure(device, check)
    until = time.time() + (REMEMBERED_BUSY if was_busy(before) else REMEMBERED)
    values = asdict(found)
    del values["trials"]
    known[_key(device)] = {"until": round(until, 3), "machine": values, "trials": {}}
    write_json(home() / "machine.json", known)
    return found


def remember(machine: Machine, shape: str, trial: Trial, keep: bool = True) -> Machine:
    """The machine, with what was found of a shape; if to `keep`, for others as long as what is known of the machine."""
    known = _remembered() if keep else {}
    with contextlib.suppress(KeyError, TypeError):
        known[_key(machine.device)]["trials"][shape] = asdict(trial)
        write_json(home() / "machine.json", known)
    return replace(machine, trials={**machine.trials, shape: trial})


def _remembered() -> dict[str, Any]:
    with contextlib.suppress(OSError, UserError):
        return read_object(home() / "machine.json")
    return {}


def cpu_times() -> tuple[float, float, float]:
    """Seconds that all processors have worked, that this process has worked, and on the clock."""
    total, mine = psutil.cpu_times(), psutil.Process().cpu_times()
    return sum(total) - total.idle - getattr(total, "iowait", 0.0), mine.user + mine.system, time.monotonic()


def was_busy(before: tuple[float, float, float]) -> bool:
    """Whether the machine had other work since then."""
    total, mine, clock = (new - old for new, old in zip(cpu_times(), before, strict=True))
    return total - mine > OTHER_WORK * clock * (psutil.cpu_count() or 1)


def _key(device: str) -> str:
    return f"{device} {_device_name(device)} torch {torch.__version__} threads {torch.get_num_threads()}"


def measure(device: str, check: Callable[[], None] = lambda: None) -> Machine:
    """Time real steps of some sizes and large products, in each type, by turns: what else the machine does hits all."""
    ways: dict[tuple[str, str], tuple[Callable[[], None], float]] = {}  # what is done, and its FLOP
    half = _half(device)
    slower = slowness(HALVES if device == "cpu" else (half,), device)
    dtypes = ("float32", half) if slower[half] < RUINOUS else ("float32",)
    for dtype in dtypes:
        ways |= {(size, dtype): _step(size, device, dtype) for size in MEASURED}
        ways["peak", dtype] = _product(device, dtype, LARGE if device == "cpu" else LARGE_ON_GPU)
    taken: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
    before = cpu_times()
    for round_ in range(MOST_ROUNDS * WHEN_BUSY):
        for way, (run, _flop) in ways.items():
            check()
            taken[way].append(seconds_of(run, device))
        enough = sum(map(sum, taken.values())) / LONG_ENOUGH, (round_ + 1) / MOST_ROUNDS
        if round_ > 1 and max(enough) >= (WHEN_BUSY if was_busy(before) else 1):
            break
    rates = {
        way: ways[way][1] / sorted(seconds[1:] or seconds)[len(seconds[1:]) // 4] for way, seconds in taken.items()
    }
    best = min(dtypes, key=lambda dtype: min(taken["mini", dtype]))  # other work makes some slower, but not all
    return Machine(
        device=device,
        name=_device_name(device),
        threads=torch.get_num_threads(),
        memory_bytes=_memory_bytes(device),
        dtype=best,
        flops={size: rates[size, best] for size in MEASURED},
        peak={
            **{dtype: rates["peak", "float32"] / times for dtype, times in slower.items()},
            **{dtype: rates["peak", dtype] for dtype in dtypes},
        },
    )


def is_quick(dtype: str, device: str) -> bool:
    """Whether the device has units for the type, so that steps in it are worth a measurement."""
    return slowness((dtype,), device)[dtype] < RUINOUS


def slowness(dtypes: Iterable[str], device: str) -> dict[str, float]:
    """How many times as long as in float32 a small linear map takes in each type: many where it has no units for it."""
    ways = {each: _linear_map(device, each) for each in ("float32", *dtypes)}
    least = dict.fromkeys(ways, math.inf)
    for _round in range(2):  # the first is also that in which libraries are loaded
        for each, run in ways.items():
            for _time in range(OFTEN if each == "float32" else 1):  # all are compared with it
                least[each] = min(least[each], seconds_of(run, device))
    return {dtype: least[dtype] / least["float32"] for dtype in dtypes}


def _half(device: str) -> str:
    """The type of half the size that the device may have units for."""
    older = device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    return "float16" if older else "bfloat16"


def _step(size: str, device: str, dtype: str) -> tuple[Callable[[], None], float]:
    """A step of training, and its FLOP as the plan counts them."""
    options, unknown = TrainOptions(steps=1, size=size, batch_tokens=TOKENS), replace(_UNKNOWN, device=device)
    plan = replace(make_plan(options, unknown, 4096, 10**6, 10**4), dtype=dtype)
    model = GPT(plan.model_config).to(device)
    model.initialise(torch.Generator(device).manual_seed(0))
    network = Network(model)
    optimisers = build(network, plan)
    batch = made_up_batch(plan)

    def run() -> None:
        gradients(network, plan, batch)
        update(optimisers)

    return run, step_flops(model.config, plan.batch_tokens, plan.optimizer, plan.sampled_softmax)


def _product(device: str, dtype: str, size: int) -> tuple[Callable[[], None], float]:
    """A product of square matrices, which if large reaches more FLOP a second than any training, and its FLOP: in the
    way in which training does it.
    """
    left, right, out = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _matrix in range(3))

    def run() -> None:
        product(left, right, out)

    return run, 2.0 * size**3


def _linear_map(device: str, dtype: str) -> Callable[[], None]:
    """The products of a linear map in training: forward, and both on the way back, which can differ by ten times."""
    tokens, inner, outer = SMALL
    shapes = (tokens, inner), (outer, inner), (tokens, outer)
    inputs, weights, changes = (torch.randn(shape, device=device, dtype=getattr(torch, dtype)) for shape in shapes)

    def run() -> None:
        inputs @ weights.mT
        changes @ weights
        changes.mT @ inputs

    return run


def seconds_of(work: Callable[[], None], device: str) -> float:
    """How long some work takes."""
    begin = _now(device)
    work()
    return _now(device) - begin


def _now(device: str) -> float:
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
