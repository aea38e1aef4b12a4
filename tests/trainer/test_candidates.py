"""The pieces over which the loss of a step is computed, where they are not all."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.model.gpt import GPT
from newleaf.core.model.loss import MULTIPLE
from newleaf.trainer.batches import TokenBatches, made_up_batch
from newleaf.trainer.candidates import CandidateSampler
from newleaf.trainer.group import Network
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import FREQUENT, SAMPLED, Machine, candidates_of, make_plan
from newleaf.trainer.step import gradients

MACHINE = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")
VOCABULARY = 512
TEXT = np.repeat(np.arange(VOCABULARY), VOCABULARY // (np.arange(VOCABULARY) + 1)).astype(np.uint16)


def a_plan(vocab_size=VOCABULARY, machine=MACHINE, origin=None, **options):
    options = {"size": "nano", "context": 32, "batch_tokens": 512, "steps": 10, **options}
    return make_plan(TrainOptions(**options), machine, vocab_size, 10**6, 10**4, origin)


@given(st.lists(st.integers(0, VOCABULARY - 1), min_size=1), st.integers(0, 10**6), st.integers(0, 2**31 - 1))
def test_all_targets_and_the_frequent_pieces_are_there_each_once(targets, step, seed):
    targets = np.array(targets)
    pieces, places, log_counts = CandidateSampler(TEXT, VOCABULARY, seed).draw(targets, step)
    assert len(pieces.unique()) == len(pieces) == len(log_counts)
    assert {*range(int(FREQUENT * VOCABULARY))} <= {*pieces.tolist()}
    assert (pieces[places[targets]] == torch.from_numpy(targets)).all()
    assert not log_counts[places[targets]].any()


@given(st.integers(1, VOCABULARY))
def test_together_they_stand_for_the_whole_vocabulary(number):
    found = CandidateSampler(TEXT, VOCABULARY, 1).draw(np.arange(number), 7)
    assert float(found.log_counts.exp().sum()) == pytest.approx(VOCABULARY, rel=1e-5)
    fewest = max(number, int(FREQUENT * VOCABULARY)) + int(SAMPLED * VOCABULARY)
    assert min(fewest, VOCABULARY) <= len(found.pieces) < fewest + MULTIPLE


@given(st.integers(1, VOCABULARY), st.integers(0, 10**6))
def test_steps_differ_little_in_how_many_there_are(number, step):
    """So that a library, which makes a kernel for each shape of a product, has few to make."""
    found = len(CandidateSampler(TEXT, VOCABULARY, 1).draw(np.arange(number), step).pieces)
    assert found % 64 == 0 or found == VOCABULARY


def test_sums_over_the_vocabulary_are_right_on_average():
    sampler, values = CandidateSampler(TEXT, VOCABULARY, 1), np.random.default_rng(1).exponential(size=VOCABULARY)
    drawn = [sampler.draw(np.array([3, 200]), step) for step in range(2000)]
    sums = [float((log_counts.exp() * torch.from_numpy(values)[pieces]).sum()) for pieces, _, log_counts in drawn]
    error = np.std(sums) / math.sqrt(len(sums))
    assert error > 0 and abs(np.mean(sums) - values.sum()) < 4 * error


def test_a_step_draws_the_same_whenever_it_is_asked_and_another_step_others():
    def source():
        return TokenBatches(TEXT, 16, 4, 1, CandidateSampler(TEXT, VOCABULARY, 1))

    once = source()
    batches = [once.batch(step) for step in (0, 1, 2)]
    again = source().batch(2)
    assert all((one == other).all() for one, other in zip(again.candidates, batches[2].candidates, strict=True))
    assert {*batches[1].candidates.pieces.tolist()} != {*batches[2].candidates.pieces.tolist()}


@pytest.mark.parametrize("micro_rows", [1, 5, 16])
def test_gradients_are_the_same_however_many_rows_are_computed_at_once(micro_rows):
    plan = a_plan(sampled_softmax="on")
    model = GPT(plan.model_config)
    model.initialise(torch.Generator().manual_seed(0))
    batch = made_up_batch(plan)
    found = []
    for rows in (16, micro_rows):
        loss, _norm = gradients(Network(model), plan, batch, rows)
        found.append([loss, *(each.grad.clone() for each in model.parameters())])
        model.zero_grad()
    torch.testing.assert_close(*found)


def test_what_the_plan_counts_is_about_what_comes():
    for vocab_size, tokens in ((4096, 2048), (8192, 4096), (8192, 16_384)):
        plan = a_plan(vocab_size, context=256, batch_tokens=tokens)
        assert plan.sampled_softmax
        pieces = len(made_up_batch(plan).candidates.pieces)
        assert pieces == pytest.approx(candidates_of(vocab_size, tokens), rel=0.1) and pieces < vocab_size / 2


def test_it_is_done_where_the_vocabulary_is_much_of_the_work_of_a_new_model_on_a_cpu():
    assert a_plan(4096).sampled_softmax and a_plan(8192, size="micro").sampled_softmax
    assert not a_plan(4096, size="mini").sampled_softmax and not a_plan(1024).sampled_softmax
    assert not a_plan(4096, sampled_softmax="off").sampled_softmax and a_plan(512, sampled_softmax="on").sampled_softmax
    assert not a_plan(4096, origin=("old", a_plan(4096).model_config)).sampled_softmax
    assert not a_plan(4096, dataclasses.replace(MACHINE, device="cuda")).sampled_softmax


def test_the_share_of_the_peak_counts_what_is_computed():
    machine = dataclasses.replace(MACHINE, peak={"float32": 1e11})
    some, all_ = (a_plan(4096, machine, sampled_softmax=way) for way in ("on", "off"))
    assert some.utilisation(1000) < 0.8 * all_.utilisation(1000)
