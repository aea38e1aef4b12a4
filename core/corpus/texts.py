"""Many texts as they lie in memory for C: in UTF-8, in one piece, without an object for each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .native import library, place

if TYPE_CHECKING:
    import numpy as np

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]
    Numbers = np.ndarray[Any, np.dtype[np.int64]]
    Halves = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass
class Texts:
    """Text number n is `data` from starts[n] to ends[n]. Halves of a pair of surrogates may stand in it."""

    data: Bytes
    starts: Numbers
    ends: Numbers

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """These texts."""
        return cls.of_encoded([_encoded(text) for text in texts])

    @classmethod
    def of_encoded(cls, encoded: Sequence[bytes]) -> Texts:
        """These texts, which are UTF-8."""
        import numpy as np

        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        ends = np.cumsum(lengths)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends - lengths, ends)

    @classmethod
    def joined(cls, several: Sequence[Texts]) -> Texts:
        """The texts of all, one after the other."""
        import numpy as np

        if len(several) == 1:
            return several[0]
        if not several:
            return cls.of([])
        sizes = np.cumsum([0, *(len(texts.data) for texts in several)])
        starts, ends = (
            np.concatenate([getattr(texts, name) + size for texts, size in zip(several, sizes, strict=False)])
            for name in ("starts", "ends")
        )
        return cls(np.concatenate([texts.data for texts in several]), starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> str:
        data = self.data[self.starts[number] : self.ends[number]].tobytes()
        return data.decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        data = self.data.tobytes()
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield data[start:end].decode("utf-8", "surrogatepass")

    def where(self, wanted: Any) -> Texts:
        """Some of the texts, by a mask or by numbers."""
        import numpy as np

        return Texts(self.data, *(np.ascontiguousarray(places[wanted]) for places in (self.starts, self.ends)))

    def with_these(self, texts: Mapping[int, str]) -> Texts:
        """The same texts with others in place of some, by their numbers."""
        import numpy as np

        if not texts:
            return self
        new, numbers = Texts.of(list(texts.values())), list(texts)
        starts, ends = self.starts.copy(), self.ends.copy()
        starts[numbers], ends[numbers] = new.starts + len(self.data), new.ends + len(self.data)
        return Texts(np.concatenate([self.data, new.data]), starts, ends)

    def places(self) -> tuple[int, int, int, int]:
        """What C wants to know of them."""
        return place(self.data), place(self.starts), place(self.ends), len(self)

    def packed(self) -> tuple[Any, Numbers]:
        """The bytes of these texts alone, and where each begins in them, and where the last one ends."""
        import numpy as np

        lengths = self.ends - self.starts
        offsets = np.zeros(len(self) + 1, np.int64)
        if native := library():
            packed = np.empty(int(lengths.sum()), np.uint8)
            native.newleaf_pack(*self.places(), place(packed), place(offsets))
            return packed, offsets
        np.cumsum(lengths, out=offsets[1:])
        return b"".join(self._pieces()), offsets

    def digests(self) -> tuple[Halves, Halves]:
        """The first 8 bytes of the SHA-256 of each text, and the next 8, as numbers with the first byte the highest."""
        import numpy as np

        sha256 = hashlib.sha256
        digests = b"".join([sha256(piece).digest() for piece in self._pieces()])
        halves = np.frombuffer(digests, ">u8").reshape(-1, 4)
        return halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)

    def _pieces(self) -> Iterator[memoryview]:
        data = self.data.data
        return (data[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
