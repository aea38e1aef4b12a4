"""What is found in people's files: records, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...language import gettext as _

MOST_PROBLEMS = 1_000  # that are kept in words


@dataclass(frozen=True)
class Problem:
    """A part of a file that cannot be used; `where` is "" for the whole file, `reason` the end of a sentence."""

    file: str
    where: str
    reason: str

    def __str__(self) -> str:
        return _("{source}: {reason}.").format(
            source=f"{self.file}, {self.where}" if self.where else self.file, reason=self.reason
        )


@dataclass
class Data:
    """What was read."""

    records: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)  # by their fields, of the first file that has some
    problems: list[Problem] = field(default_factory=list)  # the first ones
    problems_besides: int = 0  # how many more
    files: int = 0  # that gave records
    duplicates: int = 0  # rows that were there already, in all fields
    said: list[str] = field(default_factory=list)  # what was decided for the person, in sentences

    @property
    def problems_in_all(self) -> int:
        """How many there are."""
        return len(self.problems) + self.problems_besides

    def leave_out(self, problem: Problem) -> None:
        """One more problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.problems_besides += 1
