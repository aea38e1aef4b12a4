"""How the rows of a file become records of a task, once its columns are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...corpus.readers.base import NotTextError

Row = Mapping[str, Any]


class UnfitError(ValueError):
    """A row that gives no record, with the reason as the end of a sentence."""


class MissingColumnError(NotTextError):
    """A column that a person named and that is not there."""


@dataclass(frozen=True)
class Way:
    """Which column is which field, and what becomes of a row: records, or UnfitError. `said` is for people."""

    columns: dict[str, str]
    records: Callable[[Row], list[dict[str, Any]]]
    said: list[str] = field(default_factory=list)
