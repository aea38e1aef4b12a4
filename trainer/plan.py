"""From what a person gives (time, text, a few numbers perhaps) to all numbers of a training. Arithmetic; no torch.

The rules are fitted to our own measurements, which docs/recipe.md lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, partial
from typing import Any, NamedTuple, Self

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.config import GPTConfig
from ..core.options import format_duration, format_size
from .checkpoints import NEWEST
from .expectation import Text, expected_bits, expected_range
from .options import DEFAULT_TIME, TrainOptions

HEAD = 64  # dimensions
# layers, hidden size
SIZES = {"nano": (2, 128), "micro": (3, 192), "mini": (4, 256), "small": (6, 384), "base": (12, 768)}
MEASURED = "nano", "micro", "mini"  # of them; larger ones use a machine as well as the last
BYTES_PER_TOKEN = 4  # where the text is not known, about
SMALLEST_CORPUS = 1_000  # tokens
MARKS = 3  # tokens of a document that are none of its text, at most: its begin, its end, a space before it
CONTEXT = 256
EVALUATION_SHARE = 0.015  # of the time, for measuring on held-out text on the way, and what goes with it
FINAL_SHARE = 0.015  # of the time, at most, for the last measurement, on all held-out text
TRAINING_SHARE = 1 - EVALUATION_SHARE - FINAL_SHARE
FEWEST, MOST = 5, 20  # measurements in a training
TOKENS_MEASURED = 8_192  # at least, each time
LARGEST_MICRO_BATCH = 16_384  # tokens that are computed at once
BATCH_TOKENS, OF_TOKENS, BATCH_POWER = (
    2048,
    1_000_000,
    0.4,
)  # a step's tokens in a training of so many, and how it grows
LEARNING_RATES = {"muon": 0.014, "adamw": 0.003, "adam": 0.003, "sgd": 0.3}
WEIGHT_DECAY = {"muon": 0.1, "adamw": 0.1, "adam": 0.0, "sgd": 0.0}
TOGETHER = 0.9  # of the speed of several devices is left when they have told each other their gradients; an estimate
CONTINUED = 0.1  # the factor on the rates where the model knows a lot already
GROUPS = 8  # into which Muon takes the neurons behind attention
EMBEDDING_RATE = 0.02  # AdamW's, beside Muon
# Against learning by heart, with Muon, where text is read again: weights forget within so many passes (X. Wang and
# L. Aitchison 2024, arXiv:2405.13698), but no more than so much a step; beyond a few passes some tokens are not seen,
# and beyond many the embedding learns more slowly and some channels are left out, with each pass more, up to so many.
# Of tokens and channels all only where the layers have so many parameters for a byte of text: with fewer they learn
# less by heart.
FORGOTTEN_AFTER, MOST_FORGOTTEN = 1.2, 0.08
FEW_PASSES, MANY_PASSES, LEAST_DROPOUT = 3.0, 5.0, 0.05
LEARNT_BY_HEART = 1.4  # parameters
DROPOUT_A_PASS, MOST_DROPOUT = 0.02, 0.1
TOKEN_DROPOUT_A_PASS, MOST_TOKEN_DROPOUT = 0.03, 0.3
ENOUGH_PASSES, FAR_TOO_MANY = 12, 36  # of a new model over a text; after them hardly less is expected, and it is said
PARAMETERS_A_BYTE = 12  # of the text, in the layers: a larger model learns it by heart, and held-out text less well
MEMORY, SHORTEST_MEMORY, LONGEST_MEMORY = 1 / 75, 1 / 0.15, 1 / 0.05  # Muon's, of the steps, and in steps
# Over how much of the vocabulary a loss is computed in training, beside a step's own pieces: the most frequent, and so
# many of the rest, drawn anew each time. On a CPU, where all would be so much of a token's multiplications.
FREQUENT, SAMPLED = 1 / 8, 1 / 16
LARGE_SHARE, LEAST_VOCABULARY = 1 / 2, 2048
FAR_OFF = 4  # times a usual rate or context, or one of so many parts: of what is further off nothing is expected
MOST_DROPPED = 0.5  # the same, of dropout
ROOM = 0.8  # of the memory that a training may take
PROCESS = 400 << 20  # bytes that a process takes for PyTorch, and for what it cannot use again, about
KEPT = 34  # numbers of a width that a layer keeps of a token for the way back, about, and what comes beside the layers
KEPT_ON_CPU = {"float32": 22, "bfloat16": 26}  # 15 and 20 where a layer is one call of C; else 26 and 41
LOGITS, LOGIT_ROWS = 1 << 24, 256  # bytes, but at least rows, of the logits that exist at once: see core/model/loss.py
# Pieces: more for a training from so many seconds on; and where the characters alone would be many of the fewest.
FEW_PIECES, MORE_PIECES, LONG = 4096, 8192, 3600.0
MANY_CHARACTERS, MOST_PIECES, NOT_SHORT = 1024, 16_384, 300.0
MOST_PREPARING = 0.5  # of the time; the training has the rest, however long the preparation took
LATE = 1.1  # of the time: what takes longer is said
ENOUGH_STEPS = 10  # to tell from how long they took how long others will
COMPILED_AGAIN = 5.0  # seconds that it takes to compile what was compiled before


@dataclass(frozen=True)
class Trial:
    """How fast the steps of one shape of model are, done for a try."""

    micro_rows: int  # computed at once: the fastest number
    token_seconds: float  # of a token, forward and backward
    update_seconds: float  # of the optimisers, once a step
    compiled: float | None = None  # how many times as fast a token is when the layers are compiled; None: not tried

    def pays(self, seconds: float) -> bool:
        """Whether to compile what was compiled before, for a training of so many seconds."""
        return self.compiled is not None and (1 - 1 / self.compiled) * seconds > COMPILED_AGAIN

    def step_seconds(self, tokens: int, compiled: bool) -> float:
        """Of a step of so many tokens."""
        return tokens * self.token_seconds / ((compiled and self.compiled) or 1.0) + self.update_seconds


@dataclass(frozen=True)
class Machine:
    """What was measured of this machine."""

    device: str  # "cpu", "cuda", "mps"
    name: str
    threads: int
    memory_bytes: int
    flops: dict[str, float]  # a second, in training with the faster type, by size, those that are MEASURED
    dtype: str  # the faster type
    peak: Mapping[str, float] = field(default_factory=dict)  # FLOP a second of large matrix products, by type
    trials: Mapping[str, Trial] = field(default_factory=dict)  # by what `shape_name` calls a model

    def times(self, devices: int) -> Machine:
        """So many such devices together."""
        if devices == 1:
            return self
        speed = devices * TOGETHER
        return replace(
            self,
            flops={size: value * speed for size, value in self.flops.items()},
            peak={dtype: value * devices for dtype, value in self.peak.items()},
            trials={
                shape: replace(trial, token_seconds=trial.token_seconds / speed) for shape, trial in self.trials.items()
            },
        )

    def in_type(self, dtype: str) -> Machine:
        """As it trains in this type: slower than in the faster one by as much as its large products are, where they
        were measured.
        """
        if dtype == self.dtype or not (self.peak.get(dtype) and self.peak.get(self.dtype)):
            return self
        slower = self.peak[dtype] / self.peak[self.dtype]
        return replace(self, flops={size: value * slower for size, value in self.flops.items()})

    def rate(self, size: str) -> float:
        """FLOP a second of a size; large models use a machine better than small ones."""
        return self.flops.get(size, self.flops[MEASURED[-1]])


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
    disk_bytes: int  # for checkpoints and the model, at most, about
    evaluations: int
    eval_every: int | None  # steps; None: by the time
    eval_tokens: int
    checkpoint_every: float | None  # seconds; None: as seldom as keeps them cheap
    patience: int
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    token_dropout: float = 0.0
    compile: bool = False
    keep_every: int | None = None  # steps between checkpoints that stay
    checkpoint_space: float = 20.0  # GB
    window: int = 0  # tokens that are read at once; 0: as many as the model can
    origin: str | None = None  # the model that it starts from
    momentum: float = 0.95  # Muon's
    recompute: bool = False  # whether layers are computed twice, to keep less of them
    shard: bool = False  # whether each process keeps a share of the model only, where there are several
    trainings: int = 1  # like this one: for a cross-validation several, and that of the model itself
    expected_bits: float | None = None  # per byte of held-out text; None: not known
    expected_low: float | None = None  # between this
    expected_high: float | None = None  # and this, most likely
    peak: float = 0.0  # FLOP a second of matrix products on this machine; 0: not known
    sampled_softmax: bool = False  # whether the loss is computed over some of the vocabulary

    @property
    def context(self) -> int:
        """Tokens that are read at once."""
        return self.window or self.model_config.context

    @property
    def model_config(self) -> GPTConfig:
        """The shape of the model."""
        return GPTConfig(**self.config)

    def utilisation(self, tokens_per_second: float) -> float | None:
        """The share of the machine's matrix-multiply peak that the model uses (MFU), None where that is unknown."""
        if not self.peak:
            return None
        flops = token_flops(self.model_config, self.context, self.batch_tokens if self.sampled_softmax else None)
        return tokens_per_second * flops / self.peak

    @property
    def rows(self) -> int:
        """Rows in a step."""
        return self.batch_tokens // self.context

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From JSON, which may hold more, or be older than the last fields."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})


def make_plan(
    options: TrainOptions,
    machine: Machine,
    vocab_size: int,
    train_tokens: int,
    val_tokens: int,
    origin: tuple[str, GPTConfig] | None = None,
    processes: int = 1,
    text: Text | None = None,
    rows_are_whole: bool = False,
) -> Plan:
    """Settle every number, for a new model or for one that there is, by its name and shape.

    Where `rows_are_whole`, what it learns from lies in rows of the context that is given, however few there are.

    Of several trainings, for a cross-validation, the plan is that of each: they share the time. So many `processes`
    train together, each with a device like the one that was measured, or with a share of this machine's processors.
    What will come out is expected from the `text`. Raises UserError for a corpus that is too small.
    """
    if origin is None:
        check_size(train_tokens)
    devices = options.nodes if machine.device == "cpu" else processes
    dtype = machine.dtype if options.dtype == "auto" else options.dtype
    machine = machine.in_type(dtype).times(devices)
    trainings = options.trainings
    if not options.steps:  # the time of one of them is not to be shared again
        options = replace(options, time=(options.time or DEFAULT_TIME) / trainings, folds=None)
    time = options.time
    most = origin[1].context if origin else CONTEXT
    usual = min(CONTEXT, most, options.batch_tokens or CONTEXT)
    context = options.context or usual
    if not rows_are_whole:
        context = min(context, _power_of_two(train_tokens // 4))
    optimizer = "muon" if options.optimizer == "auto" else options.optimizer
    highest, of_the_rest = (
        LEARNING_RATES[optimizer],
        EMBEDDING_RATE if optimizer == "muon" else LEARNING_RATES[optimizer],
    )
    if origin:
        size, config, like = origin[0], origin[1], _size_like(origin[1])
        highest, of_the_rest = highest * CONTINUED, of_the_rest * CONTINUED
    else:
        size = like = options.size or _best_size(options, machine, vocab_size, context, train_tokens, text)
        config = model_config(size, vocab_size, context)
    if options.learning_rate:
        highest, of_the_rest = options.learning_rate, of_the_rest if optimizer == "muon" else options.learning_rate
    sampled = _samples(options, machine, config, new=not origin)
    trial = machine.trials.get(shape_name(config, dtype, optimizer, sampled))
    flops = token_flops(config, context, BATCH_TOKENS if sampled else None)
    rows = _rows(options, time and time * machine.rate(like) / flops, context, train_tokens)
    most_rows = max(1, (train_tokens - context) // context)
    rows = min(max(rows, devices), most_rows)
    most = max(1, LARGEST_MICRO_BATCH // context)
    if trial and not options.steps:  # the same steps do not depend on what was fastest on the day
        most = trial.micro_rows
    if not options.batch_tokens:
        rows = min(alike(rows, most), most_rows)
    micro_rows = even_rows(rows, most)
    together = math.ceil(processes / options.nodes) if machine.device == "cpu" else 1  # that share a memory
    room = ROOM * machine.memory_bytes / together if machine.memory_bytes else math.inf
    memory = partial(_memory, config, machine.device, dtype)
    fits = memory(context, recompute=True) <= room
    shard = options.shard == "on" or (options.shard == "auto" and not fits)
    shares = processes if shard else 1
    while micro_rows > 1 and memory(micro_rows * context, shares=shares) > room:
        micro_rows = even_rows(rows, micro_rows // 2)
    recompute = memory(micro_rows * context, shares=shares) > room
    micro_batches = math.ceil(rows / micro_rows)

    def step_seconds(compiled: bool) -> float:
        if trial:
            return trial.step_seconds(rows * context, compiled)
        return step_flops(config, rows * context, optimizer, sampled) / machine.rate(like)

    compiled = options.compile == "on"
    if options.compile == "auto" and trial:
        compiled = trial.pays(time or (options.steps or 0) * step_seconds(False))
    seconds = time or (options.steps or 0) * step_seconds(compiled)
    steps = options.steps or max(1, int(seconds * TRAINING_SHARE / step_seconds(compiled)))
    rate = rows * context / step_seconds(compiled)
    # A forward pass is a third of a step that sees all of the vocabulary, as measuring does.
    seen = token_flops(config, context, rows * context if sampled else None) / token_flops(config, context)
    measured = EVALUATION_SHARE * seconds * 3 * seen * rate  # tokens
    evaluations = round(min(MOST, max(FEWEST, measured / TOKENS_MEASURED)))
    # At least so many; where the time is short for so large a model, no more at once than all its share is enough for.
    least = min(TOKENS_MEASURED, max(context, int(measured))) if time else TOKENS_MEASURED
    eval_tokens = max(least, int(measured / evaluations))
    by_steps = options.eval_every or (max(1, steps // evaluations) if options.steps else None)
    passes = steps * rows * context / train_tokens
    decay, dropout, token_dropout = WEIGHT_DECAY[optimizer], 0.0, 0.0
    if optimizer == "muon" and not origin:
        text_bytes = (text or _usual_text(train_tokens)).bytes
        against = against_learning_by_heart(config, text_bytes, passes, rows * context / train_tokens, highest)
        decay, dropout, token_dropout, of_the_rest = against
    known = text if not origin and _is_usual(options, optimizer, context) else None
    bits, low, high = expected_range(known, config.layer_parameters, passes, steps) if known else (None, None, None)
    return Plan(
        size=size,
        config=asdict(config),
        parameters=config.parameters,
        device=machine.device,
        dtype=dtype,
        threads=machine.threads,
        batch_tokens=rows * context,
        micro_rows=micro_rows,
        micro_batches=micro_batches,
        optimizer=optimizer,
        learning_rate=highest,
        embedding_learning_rate=of_the_rest,
        weight_decay=decay if options.weight_decay is None else options.weight_decay,
        warmup=max(1, min(100, steps // 10)),
        seed=options.seed,
        time=time,
        steps=options.steps,
        expected_steps=steps,
        expected_tokens_per_second=round(rate, 1),
        expected_seconds=round(max(seconds, steps * step_seconds(compiled)), 1),
        train_tokens=train_tokens,
        passes=round(passes, 3),
        memory_bytes=memory(micro_rows * context, recompute, shares) * together,
        disk_bytes=_disk(config, optimizer, steps, options),
        evaluations=evaluations,
        eval_every=by_steps,
        eval_tokens=min(eval_tokens, max(1, val_tokens)),
        checkpoint_every=options.checkpoint_every,
        patience=options.patience,
        l1=options.l1,
        l2=options.l2,
        dropout=dropout if options.dropout is None else options.dropout,
        token_dropout=token_dropout if options.token_dropout is None else options.token_dropout,
        compile=compiled,
        keep_every=options.keep_every,
        checkpoint_space=options.checkpoint_space,
        window=context,
        origin=origin and origin[0],
        momentum=_momentum(steps),
        recompute=recompute,
        shard=shard,
        peak=machine.peak.get(dtype, 0.0),
        sampled_softmax=sampled,
        trainings=trainings,
        expected_bits=bits and round(bits, 4),
        expected_low=low and round(low, 4),
        expected_high=high and round(high, 4),
    )


def _is_usual(options: TrainOptions, optimizer: str, context: int) -> bool:
    """Whether what is set by hand is near enough to what was measured for anything to be expected of it."""
    off = [(options.learning_rate or LEARNING_RATES[optimizer]) / LEARNING_RATES[optimizer], context / CONTEXT]
    dropped = max(options.dropout or 0.0, options.token_dropout or 0.0)
    of_another_kind = optimizer == "sgd" or options.l1 or options.l2 or dropped > MOST_DROPPED
    return not of_another_kind and min(off) >= 1 / FAR_OFF and max(off) <= FAR_OFF


@dataclass(frozen=True)
class More:
    """How much longer a training shall be, beyond what was still to come of it."""

    time: float | None = None  # seconds; or
    steps: int | None = None
    goal_time: float | None = None  # what it was to take in all, where it has not come to its end; or
    goal_steps: int | None = None


def prolonged(
    plan: Plan, step: int, elapsed: float, more: More, options: TrainOptions, text_bytes: float | None = None
) -> Plan:
    """The plan of a training that is at `step` after `elapsed` seconds, and goes on for longer than it was to.

    What its passes over the text call for follows, where that has so many bytes, and no option says it. It is measured
    every `eval_every` steps, or as often as the plan has it for what is to come.
    """
    eval_every = options.eval_every
    expected = plan.batch_tokens / plan.expected_tokens_per_second / TRAINING_SHARE
    step_seconds = elapsed / step if step >= ENOUGH_STEPS else expected  # with all that comes between steps
    if more.goal_time:
        left_seconds = max(0.0, more.goal_time - elapsed)
        left_steps = int(left_seconds / step_seconds)
    else:
        left_steps = max(0, (more.goal_steps or 0) - step)
        left_seconds = left_steps * step_seconds
    if more.steps is not None:
        steps, seconds = left_steps + more.steps, left_seconds + more.steps * step_seconds
        changes: dict[str, Any] = {"steps": step + steps, "time": None}
        as_before = plan.expected_steps // plan.evaluations
        changes["eval_every"] = eval_every or max(1, min(max(as_before, steps // plan.evaluations), steps // FEWEST))
    else:
        assert more.time is not None
        steps, seconds = left_steps + max(1, int(more.time / step_seconds)), left_seconds + more.time
        changes = {"time": elapsed + seconds, "steps": None, "eval_every": eval_every}
    total = step + steps
    step_passes = plan.batch_tokens / plan.train_tokens
    if text_bytes and plan.optimizer == "muon" and not plan.origin:
        against = against_learning_by_heart(
            plan.model_config, text_bytes, total * step_passes, step_passes, plan.learning_rate
        )
        changes |= {name: value for name, value in against._asdict().items() if getattr(options, name, None) is None}
        changes["momentum"] = _momentum(total)
    return replace(
        plan,
        **changes,
        expected_steps=total,
        expected_seconds=round(elapsed + seconds, 1),
        passes=round(total * step_passes, 3),
        trainings=1,  # a cross-validation is not done again
        expected_bits=None,  # of a training from its beginning
        expected_low=None,
        expected_high=None,
    )


def expected_text(plan: Plan) -> list[str]:
    """What should come out where that is known, what it takes of the disk, and how often all of it is done."""
    disk = format_size(plan.disk_bytes)
    if plan.expected_bits is None:
        found = [_("At most {disk} of disk.").format(disk=disk)]
    else:
        text = _(
            "Expected: {bits:.2f} bits per byte of held-out text, between {low:.2f} and {high:.2f}; at most {disk} of "
            "disk."
        )
        low, high = plan.expected_low, plan.expected_high
        found = [text.format(bits=plan.expected_bits, low=low, high=high, disk=disk)]
    if plan.trainings > 1:
        found.append(
            _("{number} such trainings, one for each fold and that of the model: {time} in all.").format(
                number=plan.trainings, time=format_duration(plan.trainings * plan.expected_seconds)
            )
        )
    if plan.time and plan.passes > FAR_TOO_MANY and not plan.origin:
        found.append(
            _("After some {few} passes over a text little more is learnt: {time} is enough for this one.").format(
                few=ENOUGH_PASSES,
                time=format_duration(max(1, plan.trainings * plan.time * ENOUGH_PASSES / plan.passes)),
            )
        )
    return found


def changed_text(options: TrainOptions, plan: Plan) -> list[str]:
    """What was set by hand and could not be kept, and why."""
    found = []
    if options.context and options.context != plan.context:
        found.append(
            _("--context {wanted:,} became {context:,}: the text has only {tokens:,} tokens, for four of them.").format(
                wanted=options.context, context=plan.context, tokens=plan.train_tokens
            )
        )
    if plan.time and plan.expected_seconds > LATE * plan.time:
        smaller = "--batch-tokens" if plan.batch_tokens > plan.context else "--context"
        found.append(
            _("One step takes {step} here, and --time is {time}: give more, or a smaller {option}.").format(
                step=format_duration(plan.expected_seconds), time=format_duration(plan.time), option=smaller
            )
        )
    if options.batch_tokens and options.batch_tokens != plan.batch_tokens:
        found.append(
            _(
                "--batch-tokens {wanted:,} became {tokens:,}: a step has whole contexts of {context:,} tokens, no more "
                "of them than the text, and one for each GPU."
            ).format(wanted=options.batch_tokens, tokens=plan.batch_tokens, context=plan.context)
        )
    return found


def check_size(train_tokens: int, least: int = SMALLEST_CORPUS) -> None:
    """Raise UserError for a corpus that is too small to train on."""
    if train_tokens < least:
        raise UserError(
            _(
                "The corpus has {number:,} tokens to train on, and {least:,} are needed at least. Import more text."
            ).format(number=train_tokens, least=least)
        )


def check_bytes(train_bytes: int, documents: int, least: int = SMALLEST_CORPUS) -> None:
    """Raise UserError for a text that is too small to train on, whatever tokens it is made of: none is less than a
    byte.
    """
    if train_bytes + MARKS * documents < least:
        raise UserError(
            _(
                "The corpus has {size} of text to train on, and {least:,} tokens are needed at least. Import more text."
            ).format(size=format_size(train_bytes), least=least)
        )


def _size_like(config: GPTConfig) -> str:
    """The largest size that has no more in its layers than a model; or the smallest, where none has."""
    of_sizes = {name: model_config(name, config.vocab_size, config.context).layer_parameters for name in SIZES}
    return [name for name, number in of_sizes.items() if number <= config.layer_parameters or name == "nano"][-1]


def check_documents(documents: int, folds: int) -> None:
    """Raise UserError where there are too few to deal them into so many folds."""
    if documents < folds:
        raise UserError(
            _("--folds {folds}: the corpus has {number:,} documents, and each fold needs one.").format(
                folds=folds, number=documents
            )
        )


def vocabulary_for(options: TrainOptions, text: Text) -> int:
    """The size of a vocabulary that is trained for this training."""
    time = options.time or DEFAULT_TIME
    pieces = MORE_PIECES if time > LONG else FEW_PIECES
    if text.characters >= MANY_CHARACTERS:
        pieces = MOST_PIECES if time >= NOT_SHORT else MORE_PIECES
    return max(512, min(pieces, _power_of_two(text.bytes // 200)))


def _best_size(
    options: TrainOptions, machine: Machine, vocab_size: int, context: int, train_tokens: int, text: Text | None
) -> str:
    """The size that is expected to know held-out text best after the time: small models learn fast, large ones more,
    as long as there is text enough for them.
    """
    if options.steps:
        return "mini"
    time = options.time or DEFAULT_TIME
    text = text or _usual_text(train_tokens)

    configs = {name: model_config(name, vocab_size, context) for name in SIZES}

    def bits(name: str) -> float:
        config = configs[name]
        sampled = BATCH_TOKENS if _samples(options, machine, config) else None
        tokens = time * machine.rate(name) / token_flops(config, context, sampled)
        return expected_bits(text, config.layer_parameters, tokens / train_tokens)

    most = max(PARAMETERS_A_BYTE * text.bytes, configs["nano"].layer_parameters)
    return min((name for name in SIZES if configs[name].layer_parameters <= most), key=bits)


def _usual_text(train_tokens: int) -> Text:
    """What is assumed of a text of which nothing but its tokens is known."""
    return Text(BYTES_PER_TOKEN * train_tokens, 1.0)


def _rows(options: TrainOptions, tokens: float | None, context: int, train_tokens: int) -> int:
    """Of a step in a training that reads so many tokens, where that is known."""
    if options.batch_tokens:
        return max(1, round(options.batch_tokens / context))
    batch = BATCH_TOKENS * ((tokens or OF_TOKENS) / OF_TOKENS) ** BATCH_POWER
    batch = min(batch, max(context, train_tokens / 20))
    return max(1, round(batch / context))


class AgainstLearningByHeart(NamedTuple):
    """What a text that is read again calls for, by the names that a plan has for it."""

    weight_decay: float
    dropout: float
    token_dropout: float
    embedding_learning_rate: float


def against_learning_by_heart(
    config: GPTConfig, text_bytes: float, passes: float, step_passes: float, learning_rate: float
) -> AgainstLearningByHeart:
    """For a new model that Muon trains, in so many passes over the text and so many a step."""
    share = min(1.0, config.layer_parameters / text_bytes / LEARNT_BY_HEART)
    decay = WEIGHT_DECAY["muon"]
    return AgainstLearningByHeart(
        weight_decay=max(decay, _weight_decay(step_passes, learning_rate)) if passes > 1 else decay,
        dropout=_grown(share * (passes - MANY_PASSES), DROPOUT_A_PASS, MOST_DROPOUT),
        token_dropout=_grown(share * (passes - FEW_PASSES), TOKEN_DROPOUT_A_PASS, MOST_TOKEN_DROPOUT),
        embedding_learning_rate=EMBEDDING_RATE * min(1.0, MANY_PASSES / passes),
    )


def _momentum(steps: int) -> float:
    """Muon's, in a training of so many steps."""
    return round(1 - 1 / min(LONGEST_MEMORY, max(SHORTEST_MEMORY, MEMORY * steps)), 4)


def _weight_decay(step_passes: float, learning_rate: float) -> float:
    """Beside steps of such a share of the text, at a rate: in each as much of the weights is forgotten."""
    return round(min(step_passes / FORGOTTEN_AFTER, MOST_FORGOTTEN) / learning_rate, 3)


def _grown(beyond: float, a_pass: float, most: float) -> float:
    """What is left out against learning by heart so many passes beyond the first; nothing where it is next to none."""
    share = round(min(most, a_pass * beyond), 2)
    return share if share >= LEAST_DROPOUT else 0.0


def model_config(size: str, vocab_size: int, context: int) -> GPTConfig:
    """The shape of a model of this size."""
    return model_shape(*SIZES[size], vocab_size, context)


def model_shape(layers: int, width: int, vocab_size: int, context: int) -> GPTConfig:
    """The shape of a model of so many layers of a width, which heads of 64 dimensions divide.

    Two heads of queries each have their keys and values in common (Ainslie et al. 2023, arXiv:2305.13245), where that
    leaves more than one head of these.
    """
    heads = width // HEAD
    return GPTConfig(
        vocab_size=vocab_size,
        context=context,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=heads if heads % 2 or heads == 2 else heads // 2,
        head_dim=HEAD,
        intermediate_size=math.ceil(8 * width / 3 / 32) * 32,
    )


def even_rows(rows: int, most: int) -> int:
    """How many of a step's rows to compute at once, at `most`: about as many each time."""
    return math.ceil(rows / math.ceil(rows / most))


def alike(rows: int, most: int) -> int:
    """As many rows of a step or a few more, so that as many are computed each time: another number is compiled anew."""
    return even_rows(rows, most) * math.ceil(rows / most)


def shape_name(config: GPTConfig, dtype: str, optimizer: str, sampled: bool) -> str:
    """What a shape of model, and how it is trained, is called where its speed is remembered."""
    heads = f"heads {config.num_heads}/{config.num_kv_heads} of {config.head_dim}"
    shape = f"{config.num_layers}x{config.hidden_size} {heads} vocabulary {config.vocab_size}"
    return f"{shape} context {config.context} {dtype} {optimizer}{' sampled' if sampled else ''}"


def _samples(options: TrainOptions, machine: Machine, config: GPTConfig, new: bool = True) -> bool:
    """Whether a loss is over some of the vocabulary: without a wish where all is so much of a new model's work."""
    if options.sampled_softmax != "auto":
        return options.sampled_softmax == "on"
    share = config.vocab_size * config.hidden_size / config.matrix_parameters
    return new and machine.device == "cpu" and config.vocab_size >= LEAST_VOCABULARY and share >= LARGE_SHARE


@cache
def candidates_of(vocab_size: int, tokens: int) -> int:
    """Over how many pieces the loss of a step of so many tokens is, about, where it is not over all: the pieces of a
    text come as G. Zipf found words to, each as often as its rank is low.
    """
    frequent, all_ranks = int(FREQUENT * vocab_size), math.log(vocab_size) + 0.577
    there = sum(1 - math.exp(-tokens / (all_ranks * rank)) for rank in range(frequent + 1, vocab_size + 1))
    return min(vocab_size, frequent + int(SAMPLED * vocab_size) + round(there))


def token_flops(config: GPTConfig, context: int, sampled: int | None = None) -> float:
    """Multiplications and additions for a token, forward and backward; of a step of `sampled` tokens whose loss is over
    some of the vocabulary.
    """
    attention = 6 * config.num_layers * config.num_heads * config.head_dim * context  # causal: half of 12
    left_out = config.vocab_size - candidates_of(config.vocab_size, sampled) if sampled else 0
    return 6.0 * (config.matrix_parameters - left_out * config.hidden_size) + attention


def step_flops(config: GPTConfig, tokens: int, optimizer: str, sampled: bool = False) -> float:
    """Multiplications and additions of one step: forward, backward, and making the updates orthogonal."""
    work = tokens * token_flops(config, config.context, tokens if sampled else None)
    if optimizer == "muon":
        heads, neurons = 2 * (config.num_heads + config.num_kv_heads), config.intermediate_size // GROUPS
        of_a_layer = heads * _orthogonal_flops(config.head_dim, config.hidden_size)
        of_a_layer += 3 * GROUPS * _orthogonal_flops(neurons, config.hidden_size)
        work += config.num_layers * of_a_layer
    return work


def _orthogonal_flops(rows: int, columns: int) -> float:
    """Of four steps on the short side, and of the two products with the long one."""
    short, long = min(rows, columns), max(rows, columns)
    return 26.0 * short**3 + 4.0 * short**2 * long


def _memory(config: GPTConfig, device: str, dtype: str, tokens: int, recompute: bool = False, shares: int = 1) -> int:
    """Bytes that a process takes, about, which keeps one of so many shares of the model."""
    size = 4 if dtype == "float32" else 2
    of_a_layer = KEPT_ON_CPU.get(dtype, KEPT) if device == "cpu" else KEPT
    kept = config.num_layers + of_a_layer if recompute else (config.num_layers + 1) * of_a_layer  # of a width
    weights = 16 * config.parameters // shares
    if shares > 1:  # a layer's weights and their gradients are whole while it is computed, the embedding's for longer
        weights += 8 * (config.vocab_size * config.hidden_size + 2 * config.layer_parameters // config.num_layers)
    logits = 3 * max(LOGITS, LOGIT_ROWS * config.vocab_size * 4)
    return PROCESS + weights + tokens * kept * config.hidden_size * size + logits


def _disk(config: GPTConfig, optimizer: str, steps: int, options: TrainOptions) -> int:
    """Bytes that checkpoints and the model take at most, about: of checkpoints the last two, the best, and those that
    are to stay, the latter within the space that they may take; and one of each that is being written.
    """
    model = 4 * config.parameters
    two_means, one_mean = config.parameters, 0  # that an optimiser remembers for each weight
    if optimizer == "muon":
        two_means, one_mean = config.parameters - config.layer_parameters, config.layer_parameters
    elif optimizer == "sgd":
        two_means, one_mean = 0, config.parameters
    checkpoint = model + 8 * two_means + 4 * one_mean
    others = 1 + (steps // options.keep_every if options.keep_every else 0)
    room = max(0, int(1e9 * options.checkpoint_space / checkpoint) - NEWEST)
    return (NEWEST + min(others, room) + 1) * checkpoint + 2 * model


def _power_of_two(number: int) -> int:
    return 1 << max(4, number.bit_length() - 1)
