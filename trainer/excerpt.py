"""A part of a long text that says as much of its tokens as the whole."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_TOKENS, PASSAGES = 1_000_000, 100  # in so many passages from all over the text


def excerpt(tokens: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Tokens from everywhere: a text's beginning may be of one source or language. All of a text that is not long."""
    if len(tokens) <= MOST_TOKENS:
        return tokens
    length = MOST_TOKENS // PASSAGES
    starts = np.linspace(0, len(tokens) - length, PASSAGES).astype(np.int64)
    return np.concatenate([tokens[start : start + length] for start in starts])
