"""The models that the engine has in memory: the ones that were used last, as many as fit."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..model.loading import LoadOptions, weight_bytes
from ..model.store import ModelInfo
from ..model.weights import weight_files

if TYPE_CHECKING:
    from ..generation.generate import Writer


@dataclass(frozen=True)
class Key:
    """A model as it is loaded; other weights of the same name are another."""

    name: str
    modified: float
    options: LoadOptions

    @classmethod
    def of(cls, name: str, options: LoadOptions) -> Key:
        """The model as it is on disk now. Raises UserError when there is none."""
        files = weight_files(ModelInfo.open(name).path)
        return cls(name, max(file.stat().st_mtime for file in files), options)

    def as_dict(self) -> dict[str, Any]:
        """What `status` says of it."""
        return {"name": self.name, "modified": self.modified, **self.options.as_dict()}


class Models:
    """Models in memory, up to `limit` bytes of weights; the newest one is there whatever its size."""

    def __init__(self, limit: int):
        self.limit = limit
        self._loaded: OrderedDict[Key, tuple[Writer, int]] = OrderedDict()

    def get(self, name: str, options: LoadOptions, cancelled: Callable[[], bool]) -> Writer:
        """The model, loaded if it is not there yet. Raises UserError, and Cancelled."""
        from ..generation.generate import Writer

        key = Key.of(name, options)
        if key not in self._loaded:
            size = weight_bytes(ModelInfo.open(name).config, options.quantize)
            self._make_room(key, size)
            self._loaded[key] = Writer.open(name, options, cancelled), size
        self._loaded.move_to_end(key)
        return self._loaded[key][0]

    def _make_room(self, key: Key, size: int) -> None:
        old = [other for other in self._loaded if (other.name, other.options) == (key.name, key.options)]
        for other in old:  # its weights are no longer those on disk
            del self._loaded[other]
        while self._loaded and self.used + size > self.limit:
            self._loaded.popitem(last=False)
        gc.collect()  # weights that nobody holds go back before the next ones come

    @property
    def used(self) -> int:
        """Bytes of weights in memory."""
        return sum(size for _writer, size in self._loaded.values())

    def as_list(self) -> list[dict[str, Any]]:
        """What is loaded, the newest last."""
        return [{**key.as_dict(), "bytes": size} for key, (_writer, size) in list(self._loaded.items())]
