"""What is kept of a tokenizer beside its model; readable without SentencePiece."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import store
from ..files import read_object


@dataclass(frozen=True)
class TokenizerInfo:
    """A tokenizer that exists, with the content of its `report.json`."""

    path: Path
    report: dict[str, Any]

    @classmethod
    def open(cls, name: str) -> TokenizerInfo:
        """The tokenizer of this name. Raises UserError when there is none."""
        path = store.find("tokenizers", name)
        return cls(
            path, read_object(path / "report.json", "vocab_size", "created", "corpus", "bytes_per_token", "remarks")
        )

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def vocab_size(self) -> int:
        return int(self.report["vocab_size"])

    def summary(self) -> dict[str, Any]:
        """What `tokenizer list --json` says of it."""
        return {"name": self.name, "path": str(self.path), **self.report}


def list_tokenizers() -> list[TokenizerInfo]:
    """All tokenizers, by name."""
    return store.open_all("tokenizers", TokenizerInfo.open)


def tokenizer_for(corpus: str, name: str | None = None) -> TokenizerInfo | None:
    """The tokenizer to read a corpus with: the one of this name, or the newest that was trained on it, if there is one.

    Raises UserError when there is none of the name.
    """
    return TokenizerInfo.open(name) if name else next(iter(tokenizers_for(corpus)), None)


def tokenizers_for(corpus: str) -> list[TokenizerInfo]:
    """The tokenizers that were trained on this corpus, the newest first."""
    found = [info for info in list_tokenizers() if info.report.get("corpus") == corpus]
    return sorted(found, key=lambda info: -info.report["created"])
