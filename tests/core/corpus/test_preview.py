"""What an import would find, before it is done."""

import pytest

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
