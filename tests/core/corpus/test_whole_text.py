"""All the text of files of any kind."""

import pytest

from newleaf.core.corpus.whole_text import text_at
from newleaf.core.errors import UserError


def test_the_text_of_a_file_is_all_of_it(tmp_path):
    (tmp_path / "a.txt").write_bytes("芳林新叶催陈叶，\n\n流水前波让后波。\n".encode("gb18030") * 40)
    assert text_at([tmp_path / "a.txt"]) == "芳林新叶催陈叶，\n\n流水前波让后波。\n" * 40


def test_texts_of_several_kinds_stand_below_each_other(tmp_path):
    (tmp_path / "a.html").write_text("<html><body><article><p>" + "The fox came home. " * 20 + "</p></article></body>")
    (tmp_path / "b.txt").write_text("A goose.\n")
    (tmp_path / "c.jsonl").write_text('{"text": "One row of text."}\n{"text": "Another row of text."}\n')
    text = text_at([tmp_path])
    assert text.startswith("The fox came home.") and "\n\nA goose.\n" in text
    assert "One row of text.\n\nAnother row of text." in text


@pytest.mark.parametrize("content", [b"", b"\n \n", bytes(range(256)) * 20])
def test_a_file_without_text_is_told(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"No text in .*a\.txt"):
        text_at([tmp_path / "a.txt"])
    with pytest.raises(UserError, match="absent"):
        text_at([tmp_path / "absent.txt"])
