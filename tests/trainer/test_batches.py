"""Which text a step learns from is settled by the seed and the step alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from newleaf.trainer.batches import Prefetched, TokenBatches


def batches(tokens=10_000, context=16, rows=8, seed=1):
    return TokenBatches(np.arange(tokens, dtype=np.uint16), context, rows, seed)


@given(steps=st.lists(st.integers(0, 500), min_size=1, max_size=10))
def test_any_order_of_asking_gives_the_same_batches(steps):
    asked, fresh = batches(), [batches().batch(step)[0] for step in steps]
    assert all((asked.batch(step)[0] == expected).all() for step, expected in zip(steps, fresh, strict=True))


def test_targets_are_the_tokens_that_follow():
    tokens, targets, *_others = batches().batch(3)
    assert tokens.shape == targets.shape == (8, 16)
    assert (targets == tokens + 1).all()


@given(tokens=st.integers(200, 3000), context=st.integers(4, 20), rows=st.integers(1, 8), seed=st.integers(0, 1000))
def test_an_epoch_shows_no_token_twice_and_nearly_all_of_them(tokens, context, rows, seed):
    source = batches(tokens, context, rows, seed)
    seen = np.concatenate([source.batch(step)[0].flatten().numpy() for step in range(source.steps_per_epoch)])
    assert len(set(seen)) == len(seen)
    assert len(seen) > tokens - (rows + 2) * context


def test_epochs_and_seeds_differ():
    source = batches()
    assert (source.batch(0)[0] != source.batch(source.steps_per_epoch)[0]).any()
    assert (source.batch(0)[0] != batches(seed=2).batch(0)[0]).any()


@given(steps=st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_what_is_read_ahead_is_what_would_be_read(steps):
    ahead, source = Prefetched(batches().batch), batches()
    for step in steps:
        for got, expected in zip(ahead.batch(step)[:2], source.batch(step)[:2], strict=True):
            assert (got == expected).all()
