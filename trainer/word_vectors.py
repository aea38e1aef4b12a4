"""What a text says about its tokens before any training: a vector for each, close where they keep like company.

The positive pointwise mutual information of tokens near each other, factorised (Levy and Goldberg 2014, "Neural Word
Embedding as Implicit Matrix Factorization"). A network whose embedding begins so need not find it out step by step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .excerpt import excerpt

LENGTH = 1.4  # of each: above 1, an embedding learns from it the faster
WINDOW = 4  # tokens to each side; one at a distance d counts 1 / d
SMOOTHING = 0.75  # the power of a neighbour's frequency: rare ones else seem to say most
OVERSAMPLED, ROUNDS = 16, 3  # dimensions more than wanted, and multiplications: of the randomised factorisation


def word_vectors(tokens: np.ndarray[Any, Any], vocab_size: int, width: int, seed: int) -> Tensor:
    """A vector of one length for each token of a text (N,), as (vocab_size, width) on the CPU; zeros where it has none.

    The same for the same text and seed, whatever threads there are.
    """
    generator = torch.Generator().manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in another order would turn the axes
    try:
        vectors = _factor(_information(excerpt(tokens), vocab_size), width, generator)
        # No axis is to be special: those of a network are not.
        vectors = vectors @ torch.linalg.qr(torch.randn(width, width, generator=generator)).Q[: vectors.shape[1]]
    finally:
        torch.set_num_threads(threads)
    lengths = vectors.norm(dim=1, keepdim=True)
    return torch.where(lengths > 1e-6, vectors * (LENGTH / lengths.clamp_min(1e-6)), 0.0)


def _factor(table: Tensor, width: int, generator: torch.Generator) -> Tensor:
    """Vectors (V, at most `width`) whose products with each other are about the symmetric table (V, V).

    By repeated multiplication of a random matrix (Halko, Martinsson and Tropp 2011, arXiv:0909.4061).
    """
    size = len(table)
    basis = torch.randn(size, min(width + OVERSAMPLED, size), generator=generator)
    for _round in range(ROUNDS):
        basis = torch.linalg.qr(table @ basis).Q.contiguous()  # rows side by side: ten times as fast
    strengths, axes = torch.linalg.eigh(basis.mT @ (table @ basis))  # the strongest comes last
    return basis @ (axes * strengths.clamp_min(0).sqrt())[:, -width:]


def _information(tokens: np.ndarray[Any, Any], vocab_size: int) -> Tensor:
    """The positive pointwise mutual information of each pair of tokens, a sparse (vocab_size, vocab_size)."""
    tokens = tokens.astype(np.int64)
    pairs, weights = [np.empty(0, np.int64)], [np.empty(0)]
    for distance in range(1, min(WINDOW, len(tokens) - 1) + 1):
        first, second = tokens[:-distance], tokens[distance:]
        found, counts = np.unique(
            np.minimum(first, second) * vocab_size + np.maximum(first, second), return_counts=True
        )
        pairs.append(found)
        weights.append(counts / distance)
    found, where = np.unique(np.concatenate(pairs), return_inverse=True)
    together = np.bincount(where, weights=np.concatenate(weights), minlength=len(found))
    first, second = np.divmod(found, vocab_size)
    frequency = np.bincount(first, together, vocab_size) + np.bincount(second, together, vocab_size)
    together[first == second] *= 2  # such a pair has two neighbours, and stands in the table once
    smoothed = frequency ** ((1 + SMOOTHING) / 2)  # half of it on each side: the table is to be symmetric
    information = np.log(together * (frequency**SMOOTHING).sum() / (smoothed[first] * smoothed[second]))
    kept = information > 0
    first, second, information = first[kept], second[kept], information[kept].astype(np.float32)
    other = first != second
    table = torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([np.append(first, second[other]), np.append(second, first[other])])),
        torch.from_numpy(np.append(information, information[other])),
        (vocab_size, vocab_size),
        check_invariants=False,
    )
    return table.coalesce()
