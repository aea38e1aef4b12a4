"""From what a person gives to all numbers of a fine-tuning: the rules of a training, with other rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..core.model.config import GPTConfig
from .finetune_options import FineTuneOptions
from .group import workers
from .machine import machine
from .options import DEFAULT_TIME
from .plan import MOST_PREPARING, Plan, make_plan

# AdamW's rates for all weights, and for LoRA's matrices, which take ten times as much (Schulman et al. 2025,
# https://thinkingmachines.ai/blog/lora/).
ALL, BESIDE = 1e-4, 1e-3
LARGE = 20_000_000  # weights in the layers: beyond, Muon's update takes longer on a CPU than the steps of short records
STEP = 32  # a row's length is a multiple of it


def plan_finetuning(
    options: FineTuneOptions,
    name: str,
    config: GPTConfig,
    taught_here: bool,
    longest: int,
    rows_of: Callable[[int], int],
    val_tokens: int,
    gone: float = 0.0,
) -> Plan:
    """The plan for a model of this name and shape, whose longest record has so many tokens.

    `rows_of` says how many rows of a length the records fill; `gone` is the part of the time that has been used, in
    seconds. Models that were not `taught_here` know AdamW. Raises UserError.
    """
    here = machine(options.device)
    context = min(config.context, options.context or -(-longest // STEP) * STEP)
    small = config.layer_parameters < LARGE or here.device != "cpu"
    optimizer = options.optimizer
    if optimizer == "auto":
        optimizer = "muon" if taught_here and small and not options.lora else "adamw"
    rate = options.learning_rate
    if rate is None and optimizer != "muon":
        rate = BESIDE if options.lora else ALL
    time = options.time
    if not options.steps:
        given = options.time or DEFAULT_TIME
        time = max(MOST_PREPARING * given, given - gone)
    batch = options.batch_tokens and max(options.batch_tokens, context)  # the longest record fits into a row
    settled = replace(options, context=context, batch_tokens=batch, optimizer=optimizer, learning_rate=rate, time=time)
    tokens = context * (rows_of(context) + 1)
    processes = workers(options, here.device) * options.nodes
    origin = name, config
    plan = make_plan(settled, here, config.vocab_size, tokens, val_tokens, origin, processes, rows_are_whole=True)
    return replace(plan, train_tokens=tokens)
