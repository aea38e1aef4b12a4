"""Parquet: the column is found or named, and only that is read."""

import io
import random

import pyarrow as pa
import pytest
from pyarrow import parquet as library

from newleaf.core.corpus.readers import parquet
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions

TEXTS = [f"This is text number {n}." for n in range(2000)]


def read(table, column=None, damage=None):
    file = io.BytesIO()
    library.write_table(table, file, row_group_size=300)
    content = bytearray(file.getvalue())
    if damage:
        content[damage[0] : damage[1]] = bytes(damage[1] - damage[0])
    notes = Notes()
    return list(parquet.read(io.BytesIO(bytes(content)), notes, ReadOptions(column))), notes


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_the_column_is_found_among_others(kind):
    table = pa.table({"id": range(2000), "text": pa.array(TEXTS).cast(kind), "picture": [b"\xff\xd8"] * 2000})
    texts, notes = read(table)
    assert texts == TEXTS and notes.column == "text" and notes.left_out == []


def test_a_column_may_be_named_also_within_another():
    table = pa.table({"text": TEXTS, "title": ["A title"] * 2000, "more": [{"note": "A note."}] * 2000})
    assert read(table, "title")[0] == ["A title"] * 2000
    assert read(table, "more.note")[0] == ["A note."] * 2000
    with pytest.raises(NotTextError, match=r"no column price; there are: text, title, more\.note"):
        read(table, "price")


def test_conversations_and_lists_become_text():
    turns = [{"role": "user", "content": "What is a leaf?"}, {"role": "assistant", "content": "A part of a plant."}]
    assert read(pa.table({"messages": [turns] * 3}))[0] == ["User: What is a leaf?\nAssistant: A part of a plant."] * 3
    assert read(pa.table({"parts": [["Some words here.", "And more."]]}))[0] == ["Some words here.\nAnd more."]


def test_rows_without_text_are_passed_over():
    assert read(pa.table({"text": ["Some words here.", None, "", "And more words."]}))[0] == [
        "Some words here.",
        "And more words.",
    ]


def test_a_table_without_text_names_its_columns():
    with pytest.raises(NotTextError, match=r"holds text; .*: id, price"):
        read(pa.table({"id": [1, 2], "price": [1.5, 2.5]}))
    with pytest.raises(NotTextError, match=r"holds text; .*: id, day"):
        read(pa.table({"id": [1, 2], "day": ["2024-01-01", "2024-01-02"]}))
    with pytest.raises(NotTextError, match="no rows"):
        read(pa.table({"text": pa.array([], pa.string())}))


def test_a_damaged_file_says_so():
    numbers = random.Random(0)
    table = pa.table({"text": [" ".join(numbers.choices(TEXTS, k=9)) for _ in range(2000)]})
    for damage in ((-8, -4), (-300, -1)):
        file = io.BytesIO()
        library.write_table(table, file)
        size = len(file.getvalue())
        with pytest.raises(NotTextError, match="damaged"):
            read(table, damage=(size + damage[0], size + damage[1]))
    with pytest.raises(NotTextError, match="damaged"):
        list(parquet.read(io.BytesIO(b"PAR1 and no more"), Notes(), ReadOptions()))
