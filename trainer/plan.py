"""From what a person gives (time, text, a few numbers perhaps) to all numbers of a training. Arithmetic; no torch.

The rules are fitted to our own measurements, which docs/recipe.md lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.config import GPTConfig
from .options import DEFAULT_TIME, TrainOptions

# layers, hidden size; a head has 32 or 64 dimensions
SIZES = {"nano": (2, 128), "micro": (4, 192), "mini": (4, 256), "small": (6, 384), "base": (12, 768)}
SMALLEST_CORPUS = 1_000  # tokens
CONTEXT = 256
EVALUATION_SHARE = 0.04  # of the time, for measuring on held-out text
FEWEST, MOST = 5, 20  # measurements in a training
TOKENS_MEASURED = 8_192  # at least, each time
LARGEST_MICRO_BATCH = 16_384  # tokens that are computed at once
TOKENS_PER_PARAMETER = 3.0  # that a model sees in its training, at least: else a smaller one learns more
BATCH_TOKENS, OF_TOKENS, BATCH_POWER = (
    2048,
    1_000_000,
    0.4,
)  # a step's tokens in a training of so many, and how it grows
LEARNING_RATES = {"muon": 0.02, "adamw": 0.003}
EMBEDDING_RATE = 0.01  # AdamW's, beside Muon


@dataclass(frozen=True)
class Machine:
    """What was measured of this machine."""

    device: str  # "cpu", "cuda", "mps"
    name: str
    threads: int
    memory_bytes: int
    flops: dict[str, float]  # a second, in training with the faster type, by size: "nano" and "mini"
    dtype: str  # the faster type

    def rate(self, size: str) -> float:
        """FLOP a second of a size; large models use a machine better than small ones."""
        between = math.sqrt(self.flops["nano"] * self.flops["mini"])
        return {"nano": self.flops["nano"], "micro": between}.get(size, self.flops["mini"])


@dataclass(frozen=True)
class Plan:
    """All numbers of a training."""

    size: str
    config: dict[str, Any]
    parameters: int
    device: str
    dtype: str
    threads: int
    batch_tokens: int
    micro_rows: int  # rows that are computed at once
    micro_batches: int
    optimizer: str
    learning_rate: float
    embedding_learning_rate: float
    weight_decay: float
    warmup: int
    seed: int
    time: float | None  # seconds to train, or
    steps: int | None  # steps to train
    expected_steps: int
    expected_tokens_per_second: float
    expected_seconds: float
    train_tokens: int
    passes: float  # over the corpus
    memory_bytes: int  # about
    disk_bytes: int  # about
    evaluations: int
    eval_every: int | None  # steps; None: by the time
    eval_tokens: int
    checkpoint_every: float
    patience: int

    @property
    def model_config(self) -> GPTConfig:
        """The shape of the model."""
        return GPTConfig(**self.config)

    @property
    def rows(self) -> int:
        """Rows in a step."""
        return self.micro_rows * self.micro_batches

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From JSON, which may hold more."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})


def make_plan(options: TrainOptions, machine: Machine, vocab_size: int, train_tokens: int, val_tokens: int) -> Plan:
    """Settle every number. Raises UserError for a corpus that is too small."""
    check_size(train_tokens)
    time = None if options.steps else (options.time or DEFAULT_TIME)
    context = min(options.context or CONTEXT, _power_of_two(train_tokens // 4))
    size = options.size or _best_size(machine, vocab_size, context, time)
    config = model_config(size, vocab_size, context)
    rows = _rows(options, machine.rate(size), config, context, time, train_tokens)
    micro_rows = max(1, min(rows, LARGEST_MICRO_BATCH // context))
    micro_batches = math.ceil(rows / micro_rows)
    micro_rows = math.ceil(rows / micro_batches)
    rows = micro_rows * micro_batches
    if rows > (train_tokens - context) // context:
        micro_rows, micro_batches = (train_tokens - context) // context, 1
        rows = micro_rows
    optimizer = "muon" if options.optimizer == "auto" else options.optimizer
    step_seconds = step_flops(config, rows * context, optimizer) / machine.rate(size)
    seconds = time or (options.steps or 0) * step_seconds
    steps = options.steps or max(1, int(seconds * (1 - EVALUATION_SHARE) / step_seconds))
    rate = rows * context / step_seconds
    measured = EVALUATION_SHARE * seconds * 3 * rate  # tokens: a forward pass alone is three times as fast as a step
    evaluations = round(min(MOST, max(FEWEST, measured / TOKENS_MEASURED)))
    eval_tokens = max(TOKENS_MEASURED, int(measured / evaluations))
    by_steps = options.eval_every or (max(1, steps // evaluations) if options.steps else None)
    highest = options.learning_rate or LEARNING_RATES[optimizer]
    return Plan(
        size=size,
        config=asdict(config),
        parameters=config.parameters,
        device=machine.device,
        dtype=machine.dtype if options.dtype == "auto" else options.dtype,
        threads=machine.threads,
        batch_tokens=rows * context,
        micro_rows=micro_rows,
        micro_batches=micro_batches,
        optimizer=optimizer,
        learning_rate=highest,
        embedding_learning_rate=EMBEDDING_RATE if optimizer == "muon" else highest,
        weight_decay=options.weight_decay,
        warmup=max(1, min(100, steps // 10)),
        seed=options.seed,
        time=time,
        steps=options.steps,
        expected_steps=steps,
        expected_tokens_per_second=round(rate, 1),
        expected_seconds=round(seconds, 1),
        train_tokens=train_tokens,
        passes=round(steps * rows * context / train_tokens, 3),
        memory_bytes=_memory(config, micro_rows * context),
        disk_bytes=config.parameters * 4 * 7,
        evaluations=evaluations,
        eval_every=by_steps,
        eval_tokens=min(eval_tokens, max(1, val_tokens)),
        checkpoint_every=options.checkpoint_every,
        patience=options.patience,
    )


def check_size(train_tokens: int) -> None:
    """Raise UserError for a corpus that is too small to train on."""
    if train_tokens < SMALLEST_CORPUS:
        raise UserError(
            _(
                "The corpus has {number:,} tokens to train on, and {least:,} are needed at least. Import more text."
            ).format(number=train_tokens, least=SMALLEST_CORPUS)
        )


def vocabulary_for(options: TrainOptions, corpus_bytes: int) -> int:
    """The size of a vocabulary that is trained for this training."""
    seconds = options.time or DEFAULT_TIME
    wanted = 4096 if seconds <= 3600 else 8192
    return max(512, min(wanted, _power_of_two(corpus_bytes // 200)))


def _best_size(machine: Machine, vocab_size: int, context: int, time: float | None) -> str:
    """The largest size that sees enough text in the time: small models learn fast, large ones learn more."""
    if time is None:
        return "mini"
    best = "nano"
    for name in SIZES:
        config = model_config(name, vocab_size, context)
        tokens = time * machine.rate(name) / (6 * config.matrix_parameters)
        if tokens / config.matrix_parameters < TOKENS_PER_PARAMETER:
            break
        best = name
    return best


def _rows(
    options: TrainOptions, flops: float, config: GPTConfig, context: int, time: float | None, train_tokens: int
) -> int:
    if options.batch_tokens:
        return max(1, round(options.batch_tokens / context))
    tokens = time * flops / (6 * config.matrix_parameters) if time else OF_TOKENS
    batch = BATCH_TOKENS * (tokens / OF_TOKENS) ** BATCH_POWER
    batch = min(batch, max(context, train_tokens / 20))
    return max(1, round(batch / context))


def model_config(size: str, vocab_size: int, context: int) -> GPTConfig:
    """The shape of a model of this size."""
    layers, width = SIZES[size]
    head = 32 if width < 256 else 64
    return GPTConfig(
        vocab_size=vocab_size,
        context=context,
        hidden_size=width,
        num_layers=layers,
        num_heads=width // head,
        num_kv_heads=width // head,
        head_dim=head,
        intermediate_size=math.ceil(8 * width / 3 / 32) * 32,
    )


def step_flops(config: GPTConfig, tokens: int, optimizer: str) -> float:
    """Multiplications and additions of one step: forward, backward, and making the updates orthogonal."""
    attention = 6 * config.num_layers * config.hidden_size * config.context  # causal: half of 12
    work = tokens * (6.0 * config.matrix_parameters + attention)
    if optimizer == "muon":
        width, wide = config.hidden_size, config.intermediate_size
        square, oblong = 6 * width**3, 4 * width**2 * wide + 2 * width**3
        work += 5 * config.num_layers * (4 * square + 3 * oblong)
    return work


def _memory(config: GPTConfig, tokens: int) -> int:
    activations = tokens * (config.num_layers * 34 * config.hidden_size + 3 * config.vocab_size * 2)
    return 16 * config.parameters + 2 * activations + (300 << 20)


def _power_of_two(number: int) -> int:
    return 1 << max(4, number.bit_length() - 1)
