"""A corpus as numbers on disk: `tokens/TOKENIZER/{train,val}.bin` and `index.json` in the corpus's folder.

Each document is <s>, its pieces, </s>; the numbers stand one after the other, two bytes each, or four when the
vocabulary has more than 65,536 pieces. Training maps the files into memory, so their size does not matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..corpus.store import Corpus, Split
from ..files import read_json, staged_folder, write_json
from ..home import make_private
from ..language import gettext as _
from ..progress import Progress, no_progress
from .tokenizer import Tokenizer

BATCH = 1 << 20  # characters that are encoded at once, about


@dataclass(frozen=True)
class TokenFiles:
    """The token files of a corpus with one tokenizer."""

    path: Path
    index: dict[str, Any]

    def tokens(self, split: Split) -> np.ndarray[Any, Any]:
        """All numbers of a split, mapped from disk: (N,) of uint16 or uint32."""
        if not self.index[split]["tokens"]:
            return np.zeros(0, dtype=self.index["dtype"])
        return np.memmap(self.path / f"{split}.bin", dtype=self.index["dtype"], mode="r")


def encode_corpus(corpus: Corpus, tokenizer: Tokenizer, name: str, progress: Progress = no_progress) -> TokenFiles:
    """The token files of `corpus` with the tokenizer called `name`; made when they are absent or of another one."""
    path = make_private(corpus.path / "tokens") / name
    fingerprints = {"corpus": corpus.manifest.fingerprint, "tokenizer": tokenizer.fingerprint}
    if (path / "index.json").exists():
        index = read_json(path / "index.json")
        if index["fingerprints"] == fingerprints:
            return TokenFiles(path, index)
    dtype = np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32
    index = {"format": 1, "dtype": np.dtype(dtype).name, "fingerprints": fingerprints}
    total, done = max(1, corpus.manifest.total.bytes), 0
    with staged_folder(path, replace=True) as folder:
        splits: tuple[Split, ...] = ("train", "val")
        for split in splits:
            counts = {"documents": 0, "tokens": 0, "bytes": 0}
            with (folder / f"{split}.bin").open("wb") as file:
                for texts in _ahead(_batches(corpus.documents(split))):
                    row = _pack(tokenizer, tokenizer.encode_documents(texts, os.cpu_count() or 1), dtype)
                    file.write(row.data)  # tofile would not say that the disk is full
                    counts["documents"] += len(texts)
                    counts["tokens"] += len(row)
                    counts["bytes"] += sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
                    progress(done + counts["bytes"], total, _("encoding"))
            done += counts["bytes"]
            index[split] = counts
        write_json(folder / "index.json", index)
    return TokenFiles(path, index)


def _ahead(batches: Iterator[list[str]]) -> Iterator[list[str]]:
    """The batches; each is read while the one before it is encoded."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, batches, None)
            yield batch


def _batches(documents: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pack(tokenizer: Tokenizer, encoded: list[np.ndarray[Any, Any]], dtype: Any) -> np.ndarray[Any, Any]:
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    end = sorted(tokenizer.end)[:1]
    lengths = np.array([len(begin) + len(numbers) + len(end) for numbers in encoded], dtype=np.int64)
    ends = np.cumsum(lengths)
    row = np.empty(int(lengths.sum()), dtype=dtype)
    is_text = np.ones(len(row), dtype=bool)
    for numbers, places in ((begin, ends - lengths), (end, ends - 1)):
        if numbers:
            row[places] = numbers[0]
            is_text[places] = False
    row[is_text] = np.concatenate(encoded)
    return row
