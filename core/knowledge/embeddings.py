"""Texts as vectors of what they mean, by a sentence embedding model that a person chose.

The model is any that the library sentence-transformers reads. Importing this module imports neither it nor torch.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..language import gettext as _
from .everyday import CHINESE, ENGLISH

if TYPE_CHECKING:
    import numpy as np

NONE = "none"  # how a person says that there shall be no vectors
# How much nearer to the question than an unrelated text is a passage has to be so that it may hold the answer, where an
# answer to an everyday question is 1 nearer: with all-MiniLM-L6-v2 a cosine of 0.50. What that refuses is in
# docs/knowledge.md.
NEAR = 1.2


@dataclass(frozen=True)
class Embedding:
    """Which model a knowledge base has its vectors of, and what its cosines say."""

    model: str  # a name on the Hugging Face Hub, or the whole path of a folder
    unrelated: float  # the mean cosine of a question and the answer to another one
    related: float  # that of a question and its own answer

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> Embedding | None:
        """What a manifest remembers; None for a base without vectors."""
        kept = manifest.get("embeddings")
        return cls(str(kept["model"]), float(kept["unrelated"]), float(kept["related"])) if kept else None

    @classmethod
    def measured(cls, name: str) -> Embedding:
        """That of the model of this name. Raises UserError where it cannot be used."""
        model = address(name)
        measured = [_cosines(embedder(model), pairs) for pairs in (ENGLISH, CHINESE)]
        # Many models know one of the languages: that is the one in which they tell an answer from other texts.
        return cls(model, *max(measured, key=lambda cosines: cosines[1] - cosines[0]))

    def nearness(self, cosine: float) -> float:
        """0 for what is as near as any text, 1 for what is as near as the answer to an everyday question, or more."""
        return max(0.0, (cosine - self.unrelated) / max(0.05, self.related - self.unrelated))

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def _cosines(model: Embedder, pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """The mean cosine of questions and the answers to others, and that with their own."""
    questions = model.encode([question for question, _answer in pairs], questions=True)
    cosines = questions @ model.encode([answer for _question, answer in pairs]).T
    number, own = len(pairs), float(cosines.trace())
    return round((float(cosines.sum()) - own) / (number * (number - 1)), 4), round(own / number, 4)


def address(name: str) -> str:
    """Where the model is: a folder's whole path, or a name on the hub as it is. Raises UserError."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.absolute())
    if name.startswith(("/", ".", "~")) or not name.strip():
        raise UserError(_("There is no folder {path}.").format(path=name))
    return name


class Embedder:
    """A model that is loaded."""

    def __init__(self, name: str):
        if importlib.util.find_spec("sentence_transformers") is None:
            raise UserError(_("For embeddings, install one more package: pip install 'newleaf[embeddings]'"))
        import sentence_transformers
        from huggingface_hub.utils.tqdm import disable_progress_bars  # ours is the only one
        from transformers.utils import logging

        disable_progress_bars()
        logging.disable_progress_bar()
        try:
            self._model = sentence_transformers.SentenceTransformer(name)
        except Exception as error:  # of four libraries, on what a person gave
            reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
            raise UserError(
                _("{name} cannot be used for embeddings: {reason}.").format(name=name, reason=reason)
            ) from error

    def encode(self, texts: Sequence[str], questions: bool = False) -> np.ndarray:
        """Vectors of length 1, (texts, dimensions), float32."""
        encode = self._model.encode_query if questions else self._model.encode_document
        found: np.ndarray = encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return found


@functools.lru_cache(maxsize=1)
def embedder(model: str) -> Embedder:
    """The model at this address, which stays in memory for the next time. Raises UserError."""
    return Embedder(model)
