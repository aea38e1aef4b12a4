import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from newleaf.trainer.word_vectors import LENGTH, word_vectors


def of_two_topics(length: int = 4_000) -> np.ndarray:
    """Runs of 20 tokens, of 0 to 9 or of 10 to 19."""
    draw = np.random.default_rng(0)
    return np.concatenate([draw.integers(10, size=20) + 10 * (run % 2) for run in range(length // 20)])


def test_tokens_that_keep_like_company_are_close() -> None:
    vectors = word_vectors(of_two_topics(), vocab_size=20, width=8, seed=1)
    likeness = vectors @ vectors.T
    same, other = likeness[:10, :10].mean(), likeness[:10, 10:].mean()
    assert same > other + LENGTH**2 / 2


def test_all_are_of_one_length_and_unseen_tokens_have_none() -> None:
    vectors = word_vectors(of_two_topics(), vocab_size=30, width=16, seed=1)
    lengths = vectors.norm(dim=1)
    torch.testing.assert_close(lengths[:20], torch.full((20,), LENGTH))
    assert not lengths[20:].any()


def test_of_a_long_text_what_comes_late_is_known_too(monkeypatch) -> None:
    monkeypatch.setattr("newleaf.trainer.excerpt.MOST_TOKENS", 4_000)
    sorted_by_topic = np.concatenate([of_two_topics(10_000), 20 + of_two_topics(10_000)])
    vectors = word_vectors(sorted_by_topic, vocab_size=40, width=16, seed=1)
    torch.testing.assert_close(vectors.norm(dim=1), torch.full((40,), LENGTH))


def test_they_are_the_same_whatever_threads_there_are_and_leave_the_random_state() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    first = word_vectors(of_two_topics(), 20, 8, seed=1)
    torch.set_num_threads(1)
    second = word_vectors(of_two_topics(), 20, 8, seed=1)
    torch.set_num_threads(threads)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 12))
def test_any_text_has_them(tokens: list[int], width: int) -> None:
    vectors = word_vectors(np.array(tokens), vocab_size=7, width=width, seed=0)
    assert vectors.shape == (7, width)
    assert torch.isfinite(vectors).all()
