"""A tokenizer and a model with what is usual, for whoever wants to see one write before choosing anything."""

from __future__ import annotations

from ..core import store
from .jobs import Job
from .options import TrainOptions
from .work import training

SAMPLE = "python"  # the corpus of the text that every machine has
SHORT = TrainOptions(time=300.0)  # long enough for words, and for sentences on a fast machine


def begin_model(corpus: str, tokenizer: str, options: TrainOptions) -> Job:
    """Start to train a model, called like its corpus. Raises UserError."""
    return training.submit(corpus, free_model_name(corpus), options, tokenizer)


def free_model_name(wanted: str) -> str:
    """A name that neither a model has nor a training that would make it: `wanted`, or with a number behind it."""
    taken = {*store.names("models"), *(name.removeprefix("train-") for name in store.names("jobs"))}
    number = 1
    while (name := wanted if number == 1 else f"{wanted}-{number}") in taken:
        number += 1
    return name
