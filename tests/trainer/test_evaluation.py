"""Bits per byte: what no tokenizer can flatter."""

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.trainer.evaluation import HeldOut, bits_per_byte
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import FINAL_SHARE, Machine, make_plan


@pytest.fixture
def indifferent():
    """A model that finds every token equally likely."""
    model = GPT(GPTConfig(64, 16, 16, 1, 2, 2, 8, 32))
    model.initialise(torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(model.lm_head.weight)
    return model


@pytest.mark.parametrize("tokens", [2, 16, 17, 18, 100, 1000])
def test_equal_likelihood_costs_the_logarithm_of_the_vocabulary(indifferent, tokens):
    lengths = np.full(64, 2)
    score = bits_per_byte(indifferent, np.full(tokens, 7, dtype=np.uint16), lengths)
    assert score == pytest.approx(math.log2(64) / 2, rel=1e-5)


def test_control_symbols_cost_nothing_and_count_nothing(indifferent):
    lengths = np.full(64, 2)
    lengths[1] = 0
    tokens = np.tile(np.array([7, 1], dtype=np.uint16), 50)
    assert bits_per_byte(indifferent, tokens, lengths) == pytest.approx(math.log2(64) / 2, rel=1e-5)


def test_without_text_there_is_no_score(indifferent):
    assert bits_per_byte(indifferent, np.zeros(0, dtype=np.uint16), np.full(64, 2)) is None
    assert bits_per_byte(indifferent, np.ones(5, dtype=np.uint16), np.zeros(64, dtype=int)) is None


@pytest.mark.parametrize("enough", [True, False])
def test_at_the_end_as_much_is_measured_as_the_time_allows_and_so_much_of_it_is_kept(indifferent, monkeypatch, enough):
    """A fold of a cross-validation is much of the text: measuring it took three times as long as was given for all."""
    measured = []

    def slow(model, tokens, lengths, dtype, limit, context, group):
        number = len(tokens) if limit is None else limit
        measured.append(number)
        time.sleep(number * 1e-6)

    monkeypatch.setattr("newleaf.trainer.evaluation.bits_per_byte", slow)
    machine = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")
    options = TrainOptions(time=60.0 if enough else 6.0, size="nano")
    plan = make_plan(options, machine, 300, 10**6, 20_000)
    tokens, loop = np.ones(500_000, dtype=np.uint16), SimpleNamespace(model=indifferent, reserve=0.0)
    held_out = HeldOut(tokens, np.full(300, 2), plan)
    for _time in range(2):
        held_out.measure_some(loop)
    held_out.measure_at_end(loop)
    assert measured[0] == measured[1] == plan.eval_tokens
    assert 0 < loop.reserve <= FINAL_SHARE * plan.time
    assert (measured[2] == len(tokens)) == (held_out.final_tokens is None) == enough
    assert measured[2] * 1e-6 <= loop.reserve
