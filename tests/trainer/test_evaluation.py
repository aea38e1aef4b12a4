"""Bits per byte: what no tokenizer can flatter."""

import math

import numpy as np
import pytest
import torch

from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.trainer.evaluation import bits_per_byte


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
