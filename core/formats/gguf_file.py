"""A GGUF file, read with care: what it says of itself, and its tensors, mapped from disk.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from gguf import GGUFReader, GGUFValueType, ReaderField, ReaderTensor
from gguf.quants import dequantize

from ..errors import UserError
from ..language import gettext as _

MOST_VALUES = 1 << 24  # in the header of a file: vocabulary, scores, types and merges of the largest have 2 million

Value = TypeVar("Value", bool, int, float, str)
_MISSING: Any = object()


class GGUFFile:
    """The values and the tensors of a file. Raises UserError for one that is damaged."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self._reader = _Reader(path)
            self.tensors: dict[str, ReaderTensor] = {tensor.name: tensor for tensor in self._reader.tensors}
        except FileNotFoundError:
            raise UserError(_("There is no file {path}.").format(path=path)) from None
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
            raise self.damaged(str(error)) from None

    def damaged(self, why: str) -> UserError:
        """The sentence for a file that is not what it should be."""
        return UserError(_("{path} is damaged: {error}.").format(path=self.path, error=why.rstrip(".")))

    def __contains__(self, key: str) -> bool:
        return key in self._reader.fields

    def get(self, key: str, kind: type[Value], default: Value = _MISSING) -> Value:
        """A single value. Raises UserError for one of another type, or that is missing and has no default."""
        field = self._reader.fields.get(key)
        if field is None:
            if default is _MISSING:
                raise self.damaged(_("it lacks {missing}").format(missing=key))
            return default
        value = self._contents(field)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif isinstance(value, float) and field.types == [GGUFValueType.FLOAT32]:
            value = float(str(np.float32(value)))  # as a person wrote it: 1e-05
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.damaged(_("{name} is {value}").format(name=key, value=str(value)[:80]))
        return value

    def numbers(self, key: str) -> list[int]:
        """One whole number or several, as the file has it. Raises UserError where it has none."""
        if key not in self:
            raise self.damaged(_("it lacks {missing}").format(missing=key))
        value = self._contents(self._reader.fields[key])
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(each, int) for each in found):
            raise self.damaged(_("{name} is {value}").format(name=key, value=str(value)[:80]))
        return found

    def several(self, key: str, kind: type[Value]) -> list[Value]:
        """The values of an array; empty where there is none. Raises UserError for values of another type."""
        field = self._reader.fields.get(key)
        if field is None:
            return []
        found = self._contents(field)
        if not isinstance(found, list) or not all(isinstance(value, kind) for value in found):
            raise self.damaged(_("{name} is {value}").format(name=key, value=str(found)[:80]))
        return found

    def _contents(self, field: ReaderField) -> Any:
        try:
            if field.types[:1] != [GGUFValueType.ARRAY]:
                return field.contents()
            if len(field.types) < 2:  # of nothing
                return []
            if field.types[1] == GGUFValueType.STRING:
                return [bytes(field.parts[index]).decode("utf-8", "surrogateescape") for index in field.data]
            return [field.parts[index].item() for index in field.data]
        except (ValueError, LookupError, TypeError) as error:
            raise self.damaged(f"{field.name}: {error}") from None

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, rows before columns. Raises UserError when there is none."""
        if name not in self.tensors:
            raise self.damaged(_("{name} is missing").format(name=name))
        return tuple(int(size) for size in reversed(self.tensors[name].shape.tolist()))

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """A tensor in float32. Raises UserError for a quantisation that is not known."""
        tensor = self.tensors[name]
        try:
            return np.array(dequantize(tensor.data, tensor.tensor_type)).reshape(self.shape(name))
        except NotImplementedError:
            raise UserError(
                _(
                    "{path}: {name} is stored as {type}, which cannot be undone here. Get the file in Q8_0 or F16."
                ).format(path=self.path, name=name, type=tensor.tensor_type.name)
            ) from None


class _Reader(GGUFReader):
    """The library's, which takes a count that no file can hold for no mistake, and goes on."""

    _values = 0

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
        if int(offset) + int(count) * np.dtype(dtype).itemsize > len(self.data):
            raise ValueError(_("it ends too early"))
        return super()._get(offset, dtype, count, override_order)

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> Any:
        long = raw_type == GGUFValueType.ARRAY
        self._values += 1 + (int(self._get(int(orig_offs) + 4, np.uint64)[0]) if long else 0)
        if self._values > MOST_VALUES:
            raise ValueError(_("it says too much of itself"))
        return super()._get_field_parts(orig_offs, raw_type)
