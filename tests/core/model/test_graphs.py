"""The step that is recorded on a GPU gives the network's logits; here its work is done on a CPU, call by call."""

import threading

import pytest
import torch
from architectures import CONFIGS, architectures, randomise, tokens

from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.model import graphs
from newleaf.core.model.gpt import GPT
from newleaf.core.model.graphs import GraphStep
from newleaf.core.model.store import load_model
from newleaf.core.tokenizer.tokenizer import Tokenizer

TOLERANCE = 1e-4


def called(step):
    """Stands for recording: what is replayed is called."""
    return step


def pair(shape, monkeypatch, record=called, compiler=None):
    """A network, and the same with a step of its own, whose windows are small."""
    monkeypatch.setattr(graphs, "WINDOW", 4)
    model = randomise(GPT(shape)).requires_grad_(False)
    stepping = GPT(shape).requires_grad_(False)
    stepping.load_state_dict(model.state_dict())
    stepping.step = GraphStep(stepping, record, compiler)
    return model, stepping


def one_by_one(model, rows, padding=None, first=3):
    """Logits after `first` and each later token, by a cache."""
    cache = model.new_cache(len(rows), rows.shape[1])
    if padding is not None:
        cache.padding = padding
    parts = rows.split([first, *[1] * (rows.shape[1] - first)], dim=1)
    return torch.cat([model(part, cache)[:, -1] for part in parts], dim=1)


@architectures
@torch.inference_mode()
def test_the_logits_are_the_networks(shape, monkeypatch):
    model, stepping = pair(shape, monkeypatch)
    rows = tokens()
    assert (one_by_one(model, rows) - one_by_one(stepping, rows)).abs().max() < TOLERANCE
    assert stepping.step.broken is None


@torch.inference_mode()
@pytest.mark.parametrize("name", ["qwen3", "gpt2"])
def test_rows_of_different_lengths_too(name, monkeypatch):
    model, stepping = pair(CONFIGS[name], monkeypatch)
    padding = torch.tensor([0, 2])
    found = [one_by_one(each, tokens(2, 20), padding) for each in (model, stepping)]
    assert (found[0] - found[1]).abs().max() < TOLERANCE
    assert stepping.step.broken is None


@torch.inference_mode()
def test_a_window_is_recorded_once_for_a_text(monkeypatch):
    recorded = []
    _model, stepping = pair(CONFIGS["qwen3"], monkeypatch, lambda step: recorded.append(step) or step)
    one_by_one(stepping, tokens(1, 40))
    assert len(recorded) == 5  # up to 4, 8, 16, 32 and 40 positions
    one_by_one(stepping, tokens(1, 10))
    assert len(recorded) == 8  # another text has a cache of its own


def test_a_text_is_the_same_by_either_way(prepared, monkeypatch):
    monkeypatch.setattr(graphs, "WINDOW", 4)
    folder = prepared / "models" / "tiny"
    texts = []
    for stepping in (False, True):
        model = load_model(folder)
        model.step = GraphStep(model, called, None) if stepping else None
        writer = Writer(model, Tokenizer.at(folder))
        # Beyond the context of 64, and with rows that are chosen anew.
        for options in (GenerationOptions(seed=1, max_tokens=100, n=3), GenerationOptions(beams=3, max_tokens=20)):
            texts += [completion.text for completion in writer.generate("The fox", options)[0]]
        assert not stepping or model.step.broken is None
    assert texts[: len(texts) // 2] == texts[len(texts) // 2 :]


def wrong(step):
    return lambda: step() + 1


def failing(step):
    raise RuntimeError("no graph")


@pytest.mark.parametrize("record", [wrong, failing])
@torch.inference_mode()
def test_what_goes_wrong_leaves_the_work_to_the_network(record, monkeypatch):
    model, stepping = pair(CONFIGS["qwen3"], monkeypatch, record)
    rows = tokens()
    assert torch.equal(one_by_one(model, rows), one_by_one(stepping, rows))
    assert stepping.step.broken is not None


@torch.inference_mode()
def test_what_is_compiled_is_used_by_the_next_text(monkeypatch):
    monkeypatch.setattr(graphs, "PAYS", 10)
    compiled = []

    def compiler(function, **how):
        # Traced as a whole, as on a GPU; the kernels are the CPU's.
        made = torch.compile(function, backend="eager", **how)
        compiled.append(made)
        return lambda *given: calls.append(threading.current_thread()) or made(*given)

    calls = []
    model, stepping = pair(CONFIGS["qwen3"], monkeypatch, compiler=compiler)
    rows = tokens(1, 16)
    one_by_one(stepping, rows)
    one_by_one(stepping, rows)
    assert stepping.step._compiling is not None
    stepping.step._compiling.join(timeout=120)
    assert calls and threading.main_thread() not in calls  # in the background
    assert (one_by_one(model, rows) - one_by_one(stepping, rows)).abs().max() < TOLERANCE
    assert threading.main_thread() in calls and stepping.step.broken is None
