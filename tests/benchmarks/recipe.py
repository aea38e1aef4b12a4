"""What each part of the recipe gives in equal time: `python tests/benchmarks/recipe.py STEPS FILE...`.

Bits per byte of held-out text after STEPS steps of the recipe as it is, and of the recipe with one part exchanged,
which has as many steps as take as long: their cost is compared by turns before. `--sizes nano,micro` are those that are
tried; a micro has half as many steps. `--kilobytes 150` trains on the beginning of each text alone, where a training
passes over it many times, with what is done against learning by heart, as many steps for each and the best of several
measurements. Plain layers, the loss over all of the vocabulary, fp32. Run it on a quiet machine.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from training_rate import MACHINE

from newleaf.core.model.gpt import GPT
from newleaf.trainer import optimisers
from newleaf.trainer.batches import Batch, TokenBatches
from newleaf.trainer.evaluation import bits_per_byte
from newleaf.trainer.group import Network
from newleaf.trainer.loop import initialise
from newleaf.trainer.memory import keep_memory
from newleaf.trainer.muon import Muon
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Plan, make_plan
from newleaf.trainer.schedule import Schedule
from newleaf.trainer.step import gradients, update

MOMENTS = 6  # at which a training that passes over its text many times is measured: the best counts
MEASURED_TOKENS = 60_000  # each time
SAMPLES = 16  # ways to cut a text that is passed over many times
TURNS = 8  # steps of each of two, to compare what they cost
PARTS = 10_000  # of a training, for its schedule
WARMUP = 0.02


def as_it_is(share: float) -> float:
    """The factor on the rates after such a share of the time."""
    return Schedule.of_steps(PARTS, int(WARMUP * PARTS)).factor(int(share * PARTS))


def cosine(share: float) -> float:
    """Half a wave, after the same warm-up."""
    return min(share / WARMUP, (1 + math.cos(math.pi * share)) / 2)


def falling_late(share: float) -> float:
    """Stable until the last fifth."""
    return min(1.0, share / WARMUP, (1 - share) / 0.2)


def at_once(share: float) -> float:
    """No warm-up."""
    return min(1.0, 2 * (1 - share))


@dataclass(frozen=True)
class Recipe:
    """What is done; without arguments as newleaf does it."""

    options: Mapping[str, object] = field(default_factory=dict)  # of the training
    first: Mapping[str, int] = field(default_factory=dict)  # numbers of its plan in the first 40 % of the time
    seed: int = 1
    factor: Callable[[float], float] = as_it_is
    in_parts: bool = True  # whether Muon takes matrices apart
    apart: bool = False  # whether each head of queries has keys and values of its own
    vectors: bool = True  # what the embedding begins with
    averaged: float = 0.0  # how much of the mean of the weights stays at each step
    z_loss: float = 0.0  # its weight; its cost is not counted
    sampled: bool = False  # whether the text is cut into pieces by chance; likewise


RECIPES = {
    "as it is": Recipe(),
    "another seed": Recipe(seed=2),
    "AdamW for Muon": Recipe({"optimizer": "adamw"}),
    "AdamW at 0.006 for 0.003": Recipe({"optimizer": "adamw", "learning_rate": 0.006}),
    "Muon on whole matrices": Recipe(in_parts=False),
    "keys and values for each head": Recipe(apart=True),
    "a cosine": Recipe(factor=cosine),
    "a decay over the last fifth": Recipe(factor=falling_late),
    "no warm-up": Recipe(factor=at_once),
    "an embedding of random numbers": Recipe(vectors=False),
    "half the tokens a step at first": Recipe(first={"batch_tokens": 1024}),
    "a context of 64 at first": Recipe(first={"window": 64}),
    "weights averaged, 0.99 a step": Recipe(averaged=0.99),
    "z-loss, 1e-4": Recipe(z_loss=1e-4),
    "pieces sampled (BPE-dropout, 0.1)": Recipe(sampled=True),
    "dropout 0.1": Recipe({"dropout": 0.1}),
    "no weight decay": Recipe({"weight_decay": 0.0}),
}
OFTEN = {  # for texts that are passed over many times
    "as it is": Recipe(),
    "no token dropout": Recipe({"token_dropout": 0.0}),
    "no dropout of either kind": Recipe({"token_dropout": 0.0, "dropout": 0.0}),
    "weight decay 0.1": Recipe({"weight_decay": 0.1}),
    "weight decay 0.1, no dropout": Recipe({"weight_decay": 0.1, "token_dropout": 0.0, "dropout": 0.0}),
    "pieces sampled (BPE-dropout, 0.1)": Recipe(sampled=True),
    "pieces sampled, no dropout": Recipe({"token_dropout": 0.0, "dropout": 0.0}, sampled=True),
}


@dataclass(frozen=True)
class Tokens:
    """A text as numbers."""

    train: np.ndarray
    sampled: np.ndarray
    held_out: np.ndarray
    byte_lengths: np.ndarray
    vocabulary: int


def prepare(file: Path, kilobytes: int | None, folder: Path) -> Tokens:
    """Import a text, train its tokenizer, and cut it into pieces."""
    import sentencepiece

    from newleaf.core.corpus.importing import ImportOptions, import_files
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.token_files import encode_corpus
    from newleaf.core.tokenizer.training import train_tokenizer
    from newleaf.trainer.expectation import Text
    from newleaf.trainer.plan import vocabulary_for

    name = file.name.split(".")[0]
    corpus = import_files([file], name, ImportOptions())
    text = Text.of(corpus)
    vocabulary = vocabulary_for(
        TrainOptions(time=60.0), text if kilobytes is None else replace(text, bytes=1000 * kilobytes)
    )
    tokenizer = train_tokenizer(corpus, name, TokenizerOptions(vocab_size=vocabulary))
    files = encode_corpus(corpus, tokenizer, name)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizers" / name / "tokenizer.model"))
    texts = list(corpus.documents("train"))
    if kilobytes is not None:
        texts = _beginning(texts, 1000 * kilobytes)
    begin, end = [tokenizer.begin] if tokenizer.begin is not None else [], sorted(tokenizer.end)[:1]
    ways = ({}, {"enable_sampling": True, "alpha": 0.1, "nbest_size": -1})
    by_chance = texts if kilobytes is None else SAMPLES * texts
    usual, sampled = (
        np.concatenate([[*begin, *numbers, *end] for numbers in processor.encode(some, **way)])
        for some, way in zip((texts, by_chance), ways, strict=True)
    )
    return Tokens(usual, sampled, files.tokens("val"), tokenizer.byte_lengths, vocabulary)


def _beginning(texts: list[str], size: int) -> list[str]:
    """The first texts, of about so many bytes."""
    ends = np.cumsum([len(text.encode()) for text in texts])
    return texts[: int(np.searchsorted(ends, size)) + 1]


class WithZLoss(Network):
    """A loss that also keeps the sum of a row's exponentials near 1 (Chowdhery et al. 2022, arXiv:2204.02311)."""

    def __init__(self, model: GPT, weight: float):
        super().__init__(model)
        self.weight = weight

    def loss(self, batch: Batch) -> Tensor:
        """As of a network."""
        logits = F.linear(self.model.model(batch.tokens).flatten(0, 1), self.model.lm_head.weight)
        return F.cross_entropy(logits, batch.targets.flatten()) + self.weight * logits.logsumexp(-1).square().mean()


class Training:
    """A model that learns by a recipe."""

    def __init__(self, recipe: Recipe, tokens: Tokens, size: str, steps: int):
        self.recipe = recipe
        text = tokens.sampled if recipe.sampled else tokens.train
        given = {
            "batch_tokens": 2048,
            "dtype": "float32",
            "sampled_softmax": "off",
            "seed": recipe.seed,
            **recipe.options,
        }
        self.last = make_plan(
            TrainOptions(steps=steps, size=size, **given),
            MACHINE,
            tokens.vocabulary,
            len(tokens.train),
            len(tokens.held_out),
        )
        self.first = replace(self.last, **recipe.first)
        if recipe.first:
            self.first = replace(self.first, micro_rows=self.first.rows)
        torch.manual_seed(self.last.seed)
        shape = self.last.model_config
        self.model = GPT(replace(shape, num_kv_heads=shape.num_heads) if recipe.apart else shape).train()
        initialise(self.model, self.last, text if recipe.vectors else None)
        self.network = WithZLoss(self.model, recipe.z_loss) if recipe.z_loss else Network(self.model)
        self.optimisers = optimisers.build(self.network, self.last)
        for optimiser in self.optimisers:
            if isinstance(optimiser, Muon) and not recipe.in_parts:
                optimiser.cuts = {}
        self.batches = [TokenBatches(text, plan.context, plan.rows, plan.seed) for plan in (self.first, self.last)]
        self.mean = {name: each.detach().clone() for name, each in self.model.named_parameters()}
        self.steps = 0

    def step(self, share: float) -> float:
        """Learn from a batch after such a share of the time; gives the seconds it took."""
        is_late = share >= 0.4
        plan: Plan = self.last if is_late else self.first
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * self.recipe.factor(share)
        batch = self.batches[is_late].batch(self.steps)
        begin = time.perf_counter()
        gradients(self.network, plan, batch)
        update(self.optimisers)
        if self.recipe.averaged:
            for name, each in self.model.named_parameters():
                self.mean[name].lerp_(each.detach(), 1 - self.recipe.averaged)
        self.steps += 1
        return time.perf_counter() - begin

    def score(self, tokens: Tokens, limit: int | None = None) -> float:
        """Bits per byte of the text that is held out, or of so many tokens of it."""
        if self.recipe.averaged:
            self.model.load_state_dict(self.mean, strict=False)
        found = bits_per_byte(self.model, tokens.held_out, tokens.byte_lengths, limit=limit)
        self.model.train()
        assert found is not None
        return found


def cost(make: Callable[[Recipe], Training], recipe: Recipe, share: float) -> float:
    """How many times as long as a step of the recipe as it is one of another takes."""
    works_otherwise = recipe.options or recipe.first or recipe.averaged or recipe.apart or not recipe.in_parts
    if recipe.z_loss or not works_otherwise:
        return 1.0
    both = [make(Recipe()), make(recipe)]
    for training in both:
        training.step(share)
    seconds = [[training.step(share) for training in both] for _turn in range(TURNS)]
    return statistics.median(theirs / ours for ours, theirs in seconds)


def train(make: Callable[[Recipe], Training], recipe: Recipe, steps: int, tokens: Tokens) -> tuple[int, float]:
    """A model that learns as long as so many steps take; its steps and its score."""
    costs = [cost(make, recipe, share) for share in (0.0, 0.5)]
    training, spent = make(recipe), 0.0
    while spent < steps:
        share = spent / steps
        training.step(share)
        spent += costs[share >= 0.4]
    return training.steps, training.score(tokens)


def train_often(make: Callable[[Recipe], Training], recipe: Recipe, steps: int, tokens: Tokens) -> tuple[int, float]:
    """The same with as many steps for each recipe, and the best score of several moments."""
    training, scores = make(recipe), []
    for step in range(steps):
        training.step(step / steps)
        if (step + 1) * MOMENTS // steps > step * MOMENTS // steps:
            scores.append(training.score(tokens, MEASURED_TOKENS))
    return steps, min(scores)


def main() -> None:
    """Print a line for each recipe, size and text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", type=int)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--sizes", default="nano,micro")
    parser.add_argument("--kilobytes", type=int)
    parser.add_argument("--only", nargs="+", default=[""], help="words of the recipes to compare with the first")
    parsed = parser.parse_args()
    keep_memory()
    recipes, way = (RECIPES, train) if parsed.kilobytes is None else (OFTEN, train_often)
    wanted = ["as it is", *parsed.only]
    chosen = {words: each for words, each in recipes.items() if any(some in words for some in wanted)}
    for file in parsed.files:
        with tempfile.TemporaryDirectory() as home:
            os.environ["NEWLEAF_HOME"] = home
            tokens = prepare(file, parsed.kilobytes, Path(home))
        for size in parsed.sizes.split(","):
            steps = parsed.steps // (1 if size == "nano" else 2)
            print(f"{file.name.split('.')[0]}, {size}, {2048 * steps / len(tokens.train):.1f} passes", flush=True)
            make, usual = partial(Training, tokens=tokens, size=size, steps=steps), None
            for words, recipe in chosen.items():
                done, score = way(make, recipe, steps, tokens)
                usual = usual or score
                print(f"    {words:38} {done:5,} steps  {score:.4f}  {score / usual - 1:+.2%}", flush=True)


if __name__ == "__main__":
    main()
