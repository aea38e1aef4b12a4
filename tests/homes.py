"""Homes for tests and benchmarks, with something in them."""

import shutil
import time

from trainings import pretend_training

from newleaf.core.files import read_object, write_json
from newleaf.core.home import folder, home

# Options of a training that takes a moment: to find out whether compiling pays would take a minute.
TINY = {"size": "nano", "context": 32, "batch_tokens": 128, "device": "cpu", "dtype": "float32", "compile": "off"}

# What makes a chat of messages, for a model that was taught none.
TEMPLATE = "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}\n{% endfor %}[assistant]"


def prepare():
    """The corpus book, the tokenizer pieces, and the model tiny of random weights, in NEWLEAF_HOME."""
    import torch

    from newleaf.core.corpus.importing import import_documents
    from newleaf.core.model.config import GPTConfig
    from newleaf.core.model.gpt import GPT
    from newleaf.core.model.store import save_model
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.training import train_tokenizer
    from newleaf.trainer.machine import machine

    machine("cpu")
    _remember_long()
    corpus = import_documents(_chapters(), "book")
    tokenizer = train_tokenizer(corpus, "pieces", TokenizerOptions(vocab_size=420))
    model = GPT(GPTConfig(tokenizer.vocab_size, 64, 32, 2, 4, 2, 8, 64))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.2, generator=generator)
    save_model(folder("models") / "tiny", model, tokenizer, {"bits_per_byte": 3.5})


def _remember_long():
    """What was measured of this machine: not to measure it anew in each test, as is done soon where it was busy."""
    path = home() / "machine.json"
    measured = read_object(path)
    write_json(path, {name: {**each, "until": time.time() + 86_400} for name, each in measured.items()})


def _chapters():
    from pydoc_data.topics import topics

    for name, text in list(topics.items())[:40]:
        yield text[:2500], name


def with_training(prepared, folder, name, options):
    """A home like `prepared`, at `folder`, with a finished training of the model `name` on the book."""
    from pytest import MonkeyPatch
    from waiting import finish

    from newleaf.trainer.work import training

    shutil.copytree(prepared, folder)
    with MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(folder))
        finish(training.submit("book", name, options, "pieces"))
    return folder


def crowd(models=20, jobs=50):
    """Many more models, and trainings that have ended, in a home that is prepared."""
    for number in range(1, models):
        shutil.copytree(folder("models") / "tiny", folder("models") / f"tiny-{number}")
    for number in range(jobs):
        pretend_training(f"old-{number}", seed=number)
