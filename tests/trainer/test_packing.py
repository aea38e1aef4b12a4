"""Records that share a row are learnt from as if each were alone."""

import types
from collections import Counter

import numpy as np
import pytest
import torch
from architectures import CONFIGS, CONTEXT, randomise
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.model.gpt import GPT
from newleaf.trainer.batches import Batch, TokenBatches
from newleaf.trainer.group import Network
from newleaf.trainer.packing import Examples, PackedBatches, pack
from newleaf.trainer.step import gradients

SHAPES = ["qwen3", "llama", "gpt2"]
PLAN = types.SimpleNamespace(dtype="float32", micro_rows=4, l1=0.0, l2=0.0, dropout=0.0, token_dropout=0.0)


def examples_of(lengths, seed=0, share=0.5):
    """Records of random tokens, of which the last part is learnt."""
    random = np.random.default_rng(seed)
    tokens = [random.integers(1, 200, length).astype(np.uint32) for length in lengths]
    learnt = [np.arange(length) >= max(1, int(length * share)) for length in lengths]
    ends = np.cumsum(lengths)
    return Examples(np.concatenate(tokens), np.concatenate(learnt), ends)


def one_by_one(model, examples):
    """The mean loss of what is learnt, of records that are computed alone."""
    total, number = torch.zeros(()), 0
    for index in range(len(examples.ends)):
        text, learnt = examples.one(index)
        row = torch.from_numpy(text.astype(np.int64))[None]
        losses = model.loss(row[:, :-1], row[:, 1:], reduction="none")
        chosen = torch.from_numpy(learnt[1:])
        total, number = total + losses[chosen].sum(), number + int(chosen.sum())
    return total / number


# Which records share a row.


lengths = st.lists(st.integers(1, 40), max_size=60)


@given(lengths=lengths, more=st.integers(0, 40))
def test_every_record_is_in_one_row_and_no_row_is_too_full(lengths, more):
    room = max(lengths, default=1) + more
    rows = pack(lengths, room)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= room for row in rows)
    assert pack(lengths, room) == rows


@given(lengths=lengths)
def test_two_rows_that_would_fit_into_one_are_one(lengths):
    rows = sorted(sum(lengths[index] for index in row) for row in pack(lengths, 40))
    assert len(rows) < 2 or rows[0] + rows[1] > 40


def test_rows_are_nearly_full():
    lengths = np.random.default_rng(0).integers(5, 60, 2000).tolist()
    assert sum(lengths) / (64 * len(pack(lengths, 64))) > 0.97


# What a step sees.


def texts_of(batch):
    """The records in a batch, as (tokens, whether each is learnt)."""
    found = []
    for tokens, targets, counts, segments in zip(*batch[:4], strict=True):
        for segment in range(1, int(segments.max()) + 1):
            there = segments == segment
            text = [int(tokens[there][0]), *targets[there].tolist()]
            assert text[:-1] == tokens[there].tolist()
            found.append((tuple(text), tuple(counts[there].tolist())))
    return found


@given(lengths=st.lists(st.integers(2, 17), min_size=1, max_size=30), rows=st.integers(1, 4))
@settings(max_examples=40)
def test_all_records_come_once_whole_and_with_what_is_learnt(lengths, rows):
    examples = examples_of(lengths)
    batches = PackedBatches(examples, 16, rows, seed=1)
    expected = [
        (tuple(text.tolist()), tuple(learnt[1:].astype(float).tolist()))
        for text, learnt in map(examples.one, range(len(lengths)))
    ]
    found = [text for batch in batches.all() for text in texts_of(batch)]
    assert sorted(found) == sorted(expected)
    epoch = [text for step in range(batches.steps_per_epoch) for text in texts_of(batches.batch(step))]
    assert not Counter(epoch) - Counter(expected)
    if len(batches.packed) % batches.rows == 0:
        assert sorted(epoch) == sorted(expected)


@given(steps=st.lists(st.integers(0, 40), min_size=1, max_size=8))
@settings(max_examples=20)
def test_any_order_of_asking_gives_the_same_batches(steps):
    def make():
        return PackedBatches(examples_of([9, 3, 16, 5, 7, 11, 2, 8] * 4), 16, 3, seed=5)

    asked = make()
    for step in steps:
        for got, expected in zip(asked.batch(step)[:4], make().batch(step)[:4], strict=True):
            assert torch.equal(got, expected)


def test_epochs_and_seeds_differ():
    examples = examples_of([16] * 20)
    one = PackedBatches(examples, 16, 4, seed=1)
    assert not torch.equal(one.batch(0).tokens, one.batch(one.steps_per_epoch).tokens)
    assert not torch.equal(one.batch(0).tokens, PackedBatches(examples, 16, 4, seed=2).batch(0).tokens)


def test_other_text_counts_as_its_share():
    others = TokenBatches(np.arange(1000, dtype=np.uint16), 16, 2, seed=1)
    batches = PackedBatches(examples_of([9, 12, 16, 5, 7, 11] * 3), 16, 3, 1, others, 0.2)
    for step in range(6):
        batch = batches.batch(step)
        assert batch.tokens.shape == (5, 16)
        assert batch.counts[3:].sum() / batch.counts.sum() == pytest.approx(0.2)
        assert torch.equal(batch.tokens[3:], others.batch(step).tokens)


# The loss.


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_of_packed_rows_is_that_of_the_records_one_by_one(shape):
    model = randomise(GPT(CONFIGS[shape]))
    examples = examples_of([5, 30, 12, 2, 64, 9, 17, 21, 3])
    (batch,) = PackedBatches(examples, CONTEXT, 100, 0).all()
    assert len(batch.tokens) < len(examples.ends)
    loss = model.loss(batch.tokens, batch.targets, counts=batch.counts, segments=batch.segments)
    assert loss.item() == pytest.approx(one_by_one(model, examples).item(), abs=1e-5, rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_record_does_not_see_its_neighbours(shape):
    model = randomise(GPT(CONFIGS[shape]))
    examples = examples_of([20, 19, 18])
    (batch,) = PackedBatches(examples, CONTEXT, 1, 0).all()
    before = model.loss(*batch[:2], reduction="none", segments=batch.segments)
    for segment in (1, 2, 3):
        there = (batch.segments == segment).flatten()
        changed = batch.tokens.flatten().where(~there, 7).view_as(batch.tokens)
        after = model.loss(changed, batch.targets, reduction="none", segments=batch.segments)
        assert torch.equal(before[~there], after[~there])
        assert not torch.allclose(before[there], after[there])


def whole_gradient(model, batch, micro_rows):
    model.zero_grad(set_to_none=True)
    loss, norm = gradients(Network(model), PLAN, batch, micro_rows)
    found = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    return loss, norm, torch.cat(found)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_do_not_depend_on_how_many_rows_are_computed_at_once(shape):
    model = randomise(GPT(CONFIGS[shape]))
    (batch,) = PackedBatches(examples_of([60, 50, 40, 30, 20, 64, 10, 5, 33], share=0.7), CONTEXT, 100, 0).all()
    batch.counts[2] = 0.0  # a row of which nothing is learnt
    whole = whole_gradient(model, batch, len(batch.tokens))
    for micro_rows in (1, 2, 3):
        torch.testing.assert_close(whole_gradient(model, batch, micro_rows), whole, atol=1e-5, rtol=1e-4)
    counts = batch.counts.flatten()
    losses = model.loss(*batch[:2], reduction="none", segments=batch.segments)
    assert whole[0].item() == pytest.approx(((losses * counts).sum() / counts.sum()).item(), rel=1e-5)


@pytest.mark.parametrize("shape", [CONFIGS["qwen3"], CONFIGS["qwen3 untied"]], ids=["tied", "untied"])
def test_where_nothing_is_learnt_the_loss_is_zero_and_so_are_the_gradients(shape):
    model = randomise(GPT(shape))
    (batch,) = PackedBatches(examples_of([20, 30]), CONTEXT, 2, 0).all()
    loss, norm, gradient = whole_gradient(model, batch._replace(counts=torch.zeros_like(batch.counts)), 1)
    assert loss == 0 and norm == 0 and not gradient.any()


def test_text_without_records_is_learnt_from_as_ever():
    model = randomise(GPT(CONFIGS["qwen3"]))
    tokens = torch.randint(200, (4, CONTEXT + 1), generator=torch.Generator().manual_seed(0))
    plain = Batch(tokens[:, :-1], tokens[:, 1:])
    counted = plain._replace(counts=torch.full((4, CONTEXT), 0.3), segments=torch.zeros(4, CONTEXT, dtype=torch.int64))
    torch.testing.assert_close(whole_gradient(model, plain, 2), whole_gradient(model, counted, 3), atol=1e-5, rtol=1e-4)
