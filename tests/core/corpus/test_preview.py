"""What an import would find, before it is done."""

import gzip
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet

from newleaf.core.corpus.preview import FILES, preview
from newleaf.core.errors import UserError

CHINESE = "芳林新叶催陈叶，流水前波让后波。\n" * 40


def test_it_shows_the_beginning_and_the_encoding_of_each_file(tmp_path):
    (tmp_path / "a.txt").write_text("Short.\n")
    (tmp_path / "b.txt").write_bytes(CHINESE.encode("gb18030"))
    first, second = preview([tmp_path], 50)
    assert first == {"source": f"{tmp_path.name}/a.txt", "bytes": 7, "encoding": "utf-8", "text": "Short.\n"}
    assert second["encoding"] == "gb18030" and second["text"] == CHINESE[:50]


def test_what_cannot_be_read_says_why_and_hides_nothing_else(tmp_path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "c.txt").write_text("Text.")
    empty, binary, text = preview([tmp_path], 50)
    assert "empty" in empty["error"] and "text" not in empty
    assert "not text" in binary["error"] and "text" not in binary
    assert text["text"] == "Text." and "error" not in text


def test_of_many_files_all_are_counted_and_the_first_are_read(tmp_path):
    for n in range(FILES + 5):
        (tmp_path / f"{n:03}.txt").write_text(f"Text {n}.")
    found = preview([tmp_path], 50)
    assert len(found) == FILES + 5
    assert [entry.get("text") for entry in found] == [f"Text {n}." for n in range(FILES)] + [None] * 5
    assert all(entry["bytes"] for entry in found)


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        preview([tmp_path / "absent"], 50)


def test_it_writes_nothing(tmp_path, newleaf_home):
    (tmp_path / "a.txt").write_text("Text.")
    preview([tmp_path], 50)
    assert not newleaf_home.exists() and [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_every_kind_shows_the_beginning_of_its_first_text_and_its_column(tmp_path):
    (tmp_path / "a.csv").write_text("id,review\n1,The first of the reviews.\n2,The second one of them.\n")
    (tmp_path / "b.jsonl").write_text('{"body": "The first record here."}\n{"body": "The second record here."}\n')
    parquet.write_table(pa.table({"text": ["The first row of it.", "The second row of it."]}), tmp_path / "c.parquet")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(CHINESE.encode("gb18030")))
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("empty.txt", "")
        archive.writestr("full.txt", "Words in an archive.\n")
    table, records, rows, packed, archived = preview([tmp_path], 16)
    assert (table["column"], table["text"], table["encoding"]) == ("review", "The first of the", "utf-8")
    assert (records["column"], records["text"]) == ("body", "The first record")
    assert (rows["column"], rows["text"]) == ("text", "The first row of")
    assert packed["text"] == CHINESE[:16] and packed["encoding"] == "gb18030" and "column" not in packed
    assert archived["text"] == "Words in an arch" and "error" not in archived


def test_an_archive_that_gives_nothing_says_why(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    (found,) = preview([tmp_path], 16)
    assert found["error"] and "text" not in found
