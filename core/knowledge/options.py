"""What a person may say about the files of a knowledge base."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import N_
from ..options import OptionsBase, option


@dataclass(frozen=True)
class KnowledgeOptions(OptionsBase):
    """Which files are taken."""

    include: list[str] = option(
        [], N_("From folders and archives only files whose path matches, such as '*.md' or 'docs/**'."), metavar="GLOB"
    )
    exclude: list[str] = option([], N_("From folders and archives no files whose path matches."), metavar="GLOB")
