"""Lines of a JSON file that are a record each: handed over as they are, and read where their texts are prepared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...language import gettext as _
from ..native import library, place
from ..texts import Texts
from .base import Notes, Place, place_text
from .records import Way, texts_by


@dataclass(frozen=True)
class Lines:
    """Whole lines of a file, and the way in which their texts are found; None where each is a plain text."""

    data: bytes
    first: int  # the number of the first one
    count: int
    way: Way | None

    def __len__(self) -> int:
        return len(self.data)

    def strings(self, notes: Notes) -> Iterator[str]:
        """The texts, in order; what cannot be read is noted."""
        return texts_by(self.way, self._records(notes), notes)

    def texts(self, notes: Notes) -> Texts:
        """The same, made without an object for each where there is C."""
        import numpy as np

        native = library()
        if native is None or self.way is None or not self.way.field:
            return Texts.of(list(self.strings(notes)))
        notes.column = self.way.name
        key = self.way.field.encode("utf-8", "surrogatepass")
        data, out = np.frombuffer(self.data, np.uint8), np.empty(len(self.data), np.uint8)
        lines, unreadable = np.empty((self.count, 5), np.int64), np.zeros(1, np.int64)
        where = place(data), len(data), key, len(key), place(out), place(lines), place(unreadable)
        count = native.newleaf_json_lines(*where)
        numbers, begins, line_ends, starts, ends = lines[:count].T.copy()
        notes.unreadable += int(unreadable[0])
        texts = Texts(out[: int(ends.max(initial=0))], starts, ends)
        odd = np.flatnonzero(ends < 0)
        if not len(odd):
            return texts
        found: dict[int, str] = {}
        for number in odd.tolist():
            line = self.data[begins[number] : line_ends[number]]
            for text in Lines(line, self.first + int(numbers[number]), 1, self.way).strings(notes):
                found[number] = text
        return texts.with_these(found).where((ends >= 0) | np.isin(np.arange(count), list(found)))

    def single(self) -> Iterator[Lines]:
        """Each line by itself."""
        for number, line in enumerate(self.data.split(b"\n"), self.first):
            if line:
                yield Lines(line, number, 1, self.way)

    def _records(self, notes: Notes) -> Iterator[tuple[Place, Any]]:
        for number, line in enumerate(self.data.split(b"\n"), self.first):
            if stripped := line.strip():
                value, reason = parsed(stripped)
                if reason:
                    notes.leave_out(place_text(("line", number)), reason)
                else:
                    yield ("line", number), value


def parsed(data: bytes) -> tuple[Any, str]:
    """The value, or why there is none. Bytes that are no UTF-8 become U+FFFD."""
    import orjson

    try:
        return orjson.loads(data), ""
    except orjson.JSONDecodeError as error:
        if "UTF-8" in error.msg:
            mended = data.decode("utf-8", "replace").encode()
            if mended != data:
                return parsed(mended)
        return None, _("it is no JSON at character {number}").format(number=error.colno)
