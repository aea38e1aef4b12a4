"""What a person may say about the data of a task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ...language import N_
from ...language import gettext as _
from ...options import OptionsBase, option


@dataclass(frozen=True)
class DataOptions(OptionsBase):
    """How files become records."""

    column: list[str] = option(
        [],
        N_("The column of a field, such as text=review or label=stars; found by its name without it."),
        metavar="FIELD=NAME",
    )
    source_language: str | None = option(
        None,
        N_("For translation: the source's language, such as en; needed where the data does not say."),
        metavar="CODE",
    )
    target_language: str | None = option(
        None,
        N_("For translation: the target's language, such as zh; needed where the data does not say."),
        metavar="CODE",
    )
    both_directions: bool = option(True, N_("For translation: learn each pair the other way round too."))
    held_out: str | None = option(
        None, N_("A file with the records to measure on; a tenth of the data without it."), metavar="PATH"
    )
    strict: bool = option(False, N_("Stop at the first record, or file, that cannot be used."))

    def problems(self) -> list[str]:
        """What is wrong with the options together."""
        wrong = [text for text in self.column if not all(part.strip() for part in text.partition("="))]
        return [
            _("--column is {value}: write it as FIELD=NAME, such as text=review.").format(value=text) for text in wrong
        ]

    def at_any_place(self) -> Self:
        """The same for a process that is in another folder."""
        return replace(self, held_out=None if self.held_out is None else str(Path(self.held_out).absolute()))

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are named, by their fields."""
        parts = (text.partition("=") for text in self.column)
        return {field.strip(): column.strip() for field, _equals, column in parts}
