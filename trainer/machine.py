"""What this machine can do in training, measured on real steps of a small model for some seconds, and remembered."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict

import torch

from ..core.errors import UserError
from ..core.files import read_json, write_json
from ..core.home import home
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from .plan import Machine, model_config, step_flops

REMEMBERED = 86_400.0  # seconds
REMEMBERED_BUSY = 300.0  # likewise, when the machine had other work at the time
SHORTEST = 1.5  # seconds of steps for each type
ROWS = 8


def machine(device: str = "auto") -> Machine:
    """This machine, with the device asked for; measured when there is no measurement of late."""
    device = choose_device(device)
    path = home() / "machine.json"
    key = f"{device} {_device_name(device)} torch {torch.__version__} threads {torch.get_num_threads()}"
    known = {}
    try:
        known = read_json(path)
        entry = known[key]
        if time.time() < entry["until"]:
            return Machine(**entry["machine"])
    except (OSError, UserError, KeyError, TypeError):
        pass
    busy = os.getloadavg()[0] > (os.cpu_count() or 1) / 2
    found = measure(device)
    known = known if isinstance(known, dict) else {}
    until = time.time() + (REMEMBERED_BUSY if busy else REMEMBERED)
    known[key] = {"until": round(until, 3), "machine": asdict(found)}
    write_json(path, known)
    return found


def choose_device(device: str) -> str:
    """The device to train on. Raises UserError for one that is not here."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, here in present.items() if here)
    if not present[device]:
        raise UserError(_("This machine has no {device} device that PyTorch can use.").format(device=device))
    return device


def measure(device: str) -> Machine:
    """Time real steps in each type."""
    config = model_config("mini", 4096, 256)
    torch.manual_seed(0)
    model = GPT(config).to(device)
    model.initialise(torch.Generator(device).manual_seed(0))
    tokens = torch.randint(config.vocab_size, (ROWS, config.context + 1), device=device)
    rates = {}
    for dtype in ("float32", "bfloat16"):
        rates[dtype] = _rate(model, tokens, dtype)
    best = max(rates, key=rates.__getitem__)
    return Machine(device, _device_name(device), torch.get_num_threads(), _memory_bytes(device), rates[best], best)


def _rate(model: GPT, tokens: torch.Tensor, dtype: str) -> float:
    """FLOP a second, as the plan counts them, of the fastest step: what else the machine does now will pass."""
    fastest, begin = float("inf"), _now(tokens.device)
    while _now(tokens.device) - begin < SHORTEST or fastest == float("inf"):
        start = _now(tokens.device)
        with autocast(tokens.device.type, dtype):
            loss = model.loss(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        model.zero_grad()
        fastest = min(fastest, _now(tokens.device) - start)
    return step_flops(model.config, tokens[:, 1:].numel(), "adamw") / fastest


def autocast(device: str, dtype: str) -> torch.autocast:
    """Multiply in `dtype`; weights and sums stay in float32."""
    return torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def _device_name(device: str) -> str:
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return platform.processor() or platform.machine()


def _memory_bytes(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.get_device_properties(0).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
