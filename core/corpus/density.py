"""How much there is to learn in a text, as a compressor sees it: known in a moment, before anything is trained."""

from __future__ import annotations

import bz2
from itertools import islice

from .store import Corpus

SAMPLE = 900_000  # bytes: one block of bzip2, so that corpora of different sizes can be compared
OF_LESS = 0.085  # the power with which what it makes of each byte falls with a sample's length, whatever the text
LOOKED_THROUGH = 20_000_000  # bytes of the corpus at most, of which the sample is taken here and there


def density(corpus: Corpus) -> tuple[float, int]:
    """Bits that bzip2 needs for each byte of a sample of a corpus's training text, and its different characters.

    Of a shorter text it is what bzip2 would need of 900 kB like it. The corpus has a document at least.
    """
    size, documents = corpus.manifest.train.bytes, corpus.manifest.train.documents
    share = min(1.0, LOOKED_THROUGH / max(1, size))
    step = max(1, int(size * share // SAMPLE))
    texts = islice(corpus.documents("train"), 0, max(1, round(documents * share)), step)
    text = "\n\n".join(texts)
    sample = text.encode()[:SAMPLE]
    bits = 8 * len(bz2.compress(sample)) / max(1, len(sample))
    return bits * (len(sample) / SAMPLE) ** OF_LESS, len(set(text))
