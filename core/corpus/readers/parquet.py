"""Parquet, by pyarrow: some rows at a time, and of these only the columns that hold the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ...language import gettext as _
from .base import Format, Notes, NotTextError, Place, ReadOptions
from .columns import none_found
from .records import LOOKED_AT, find_way, texts_of

_ROWS = 256  # that are read at a time


def read(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The texts of the rows. Raises NotTextError; where the file is damaged, after what is before the damage."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream)
        names = _texts(file.schema_arrow)
        if options.column:
            names = [name for name in file.schema_arrow.names if name == options.column.split(".")[0]] or names
        sample = next(file.iter_batches(LOOKED_AT, columns=names), None) if names else None
        if sample is None or not names:
            raise none_found(file.schema_arrow.names) if file.metadata.num_rows else NotTextError(_("it has no rows"))
        try:
            way = find_way(sample.to_pylist(), options.column)
        except NotTextError as error:
            raise error if options.column else none_found(file.schema_arrow.names) from None
        yield from texts_of(_rows(file, [name for name in names if name in way.fields]), notes, way)
    except (pyarrow.ArrowException, OSError) as error:
        raise NotTextError(_("the file is damaged: {reason}").format(reason=str(error).splitlines()[0])) from None


def read_rows(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[tuple[Place, Any]]:
    """The rows with all that is no picture or the like. Raises NotTextError as `read` does."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream)
        yield from _rows(file, [field.name for field in file.schema_arrow if not _is_binary(field.type)])
    except (pyarrow.ArrowException, OSError) as error:
        raise NotTextError(_("the file is damaged: {reason}").format(reason=str(error).splitlines()[0])) from None


FORMAT = Format("Parquet", (".parquet",), read, rows=read_rows, seekable=True)


def _is_binary(kind: Any) -> bool:
    """Whether bytes are in it anywhere."""
    from pyarrow import types

    if types.is_struct(kind):
        return any(_is_binary(kind.field(index).type) for index in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind):
        return _is_binary(kind.value_type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _texts(schema: Any) -> list[str]:
    """The columns that may hold text: not numbers, times or pictures."""
    from pyarrow import types

    def may(kind: Any) -> bool:
        if types.is_dictionary(kind):
            return may(kind.value_type)
        if types.is_list(kind) or types.is_large_list(kind):
            return may(kind.value_type)
        if types.is_struct(kind):
            return any(may(kind.field(index).type) for index in range(kind.num_fields))
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

    return [field.name for field in schema if may(field.type)]


def _rows(file: Any, columns: list[str]) -> Iterator[tuple[Place, Any]]:
    number = 0
    for batch in file.iter_batches(_ROWS, columns=columns):
        for record in batch.to_pylist():
            number += 1
            yield ("row", number), record
