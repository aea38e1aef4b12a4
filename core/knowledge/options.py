"""What a person may say about the files of a knowledge base."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import N_
from ..options import OptionsBase, option


@dataclass(frozen=True)
class KnowledgeOptions(OptionsBase):
    """Which files are taken, and how they are found."""

    include: list[str] = option(
        [], N_("From folders and archives only files whose path matches, such as '*.md' or 'docs/**'."), metavar="GLOB"
    )
    exclude: list[str] = option([], N_("From folders and archives no files whose path matches."), metavar="GLOB")
    embeddings: str = option(
        "",
        N_(
            "A sentence embedding model that finds what says the same in other words: its name on the Hugging Face "
            "Hub, or a folder. The base remembers it; none takes it out."
        ),
        metavar="MODEL",
    )
