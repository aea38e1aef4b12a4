"""Text files in the encodings that people have; everything else is refused with its reason."""

import os

import pytest

from newleaf.core.corpus.preview import preview
from newleaf.core.corpus.reading import NotTextError, TextFile, find_sources
from newleaf.core.errors import UserError

ENGLISH = "The quick brown fox — “said” nothing.\n" * 40
GERMAN = "Über den Wolken muß die Freiheit wohl grenzenlos sein; schöne Grüße.\n" * 40
CHINESE = "芳林新叶催陈叶，流水前波让后波。人生如逆旅，我亦是行人。\n" * 40


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH, "utf-8"),
        (ENGLISH, "utf-8-sig"),
        (ENGLISH, "utf-16"),
        (ENGLISH, "utf-16-le"),
        (ENGLISH, "utf-16-be"),
        (ENGLISH, "utf-32"),
        (GERMAN, "cp1252"),
        (CHINESE, "utf-8"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16-le"),
    ],
)
def test_the_text_comes_out_as_it_was(tmp_path, text, encoding):
    path = tmp_path / "f.txt"
    path.write_bytes(text.encode(encoding))
    file = TextFile(path)
    assert "".join(file) == text
    assert file.unreadable == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not text"), (os.urandom(5000), "not text")],
)
def test_what_is_no_text_is_refused(tmp_path, content, reason):
    (tmp_path / "f.txt").write_bytes(content)
    with pytest.raises(NotTextError, match=reason):
        TextFile(tmp_path / "f.txt")


def test_some_damage_is_counted_and_the_rest_is_read(tmp_path):
    (tmp_path / "f.txt").write_bytes(CHINESE.encode() + b"\xff\xfe" + CHINESE.encode())
    file = TextFile(tmp_path / "f.txt")
    assert "".join(file).count("芳林") == 80
    assert file.encoding == "utf-8" and file.unreadable == 2


def test_a_line_of_any_length_is_read_in_parts(tmp_path):
    (tmp_path / "f.txt").write_text("word " * 100_000)
    lines = list(TextFile(tmp_path / "f.txt"))
    assert len(lines) > 1 and "".join(lines) == "word " * 100_000


def test_a_folder_gives_its_text_files_in_a_stable_order(tmp_path):
    for name in ("b.txt", "a.md", "sub/c.TXT", ".hidden/d.txt", "picture.png", ".e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "loop").symlink_to(tmp_path)
    found = find_sources([tmp_path, tmp_path / "a.md"])
    assert [source.path.name for source in found] == ["a.md", "b.txt", "c.TXT"]


def test_a_named_file_may_be_called_anything(tmp_path):
    (tmp_path / "README").write_text("x")
    assert len(find_sources([tmp_path / "README"])) == 1


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        find_sources([tmp_path / "absent"])
    with pytest.raises(UserError, match="No text files"):
        find_sources([tmp_path])


def test_a_preview_shows_what_would_be_read(tmp_path):
    (tmp_path / "a.txt").write_text(ENGLISH)
    (tmp_path / "b.txt").touch()
    first, second = preview([tmp_path], 50)
    assert first["encoding"] == "utf-8" and first["text"] == ENGLISH[:50]
    assert "empty" in second["error"]
