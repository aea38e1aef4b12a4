"""From tokens to text that can be shown at once: never half a character, never a piece of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Takes the bytes of one token after the other; gives the text that is sure to stay.

    Bytes of an unfinished UTF-8 character are held back, and so is an end that may be the beginning of a stop string.
    The stop string that begins first ends the text, in whatever portions the bytes come.
    """

    def __init__(self, stop: Sequence[str] = ()):
        self.stop = tuple(stop)
        self.stopped = False  # a stop string has come
        self.text = ""  # all that was given out
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """The text that is new after `data`."""
        return self._give(self._decoder.decode(data), last=False)

    def finish(self) -> str:
        """The text that was held back; bytes that are no character become U+FFFD."""
        return self._give(self._decoder.decode(b"", final=True), last=True)

    def _give(self, text: str, last: bool) -> str:
        if self.stopped:
            return ""
        held = self._held + text
        sure = len(held) if last else len(held) - self._possible_stop(held)
        found = [place for place in map(held.find, self.stop) if 0 <= place <= sure]  # no other can begin before it
        self.stopped = bool(found)
        end = min(found, default=sure)
        self._held = held[end:]
        self.text += held[:end]
        return held[:end]

    def _possible_stop(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a stop string."""
        longest = max(map(len, self.stop), default=1) - 1
        for size in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-size:]) for stop in self.stop):
                return size
        return 0
