"""Text files in the encodings that people have; everything else is refused with its reason."""

import gzip
import io
import random
import sqlite3
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from newleaf.core.corpus.readers import text as text_files
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions
from newleaf.core.corpus.reading import LONGEST_LINE, SAMPLE, detect_encoding

ENGLISH = "The quick brown fox — “said” nothing.\n" * 40
GERMAN = "Über den Wolken muß die Freiheit wohl grenzenlos sein; schöne Grüße.\n" * 40
RUSSIAN = """Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.
Все смешалось в доме Облонских. Жена узнала, что муж был в связи с бывшею в их доме француженкою-гувернанткой,
и объявила мужу, что не может жить с ним в одном доме. Положение это продолжалось уже третий день.
"""
SIMPLIFIED = "芳林新叶催陈叶，流水前波让后波。人生如逆旅，我亦是行人。\n" * 40
TRADITIONAL = "春眠不覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。\n" * 40
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 40


def read(path, content):
    path.write_bytes(content)
    lines, notes = read_lines(path)
    return "".join(lines), notes


def read_lines(path):
    notes = Notes()
    with path.open("rb") as file:
        return list(text_files.read(file, notes, ReadOptions())), notes


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH, "utf-8"),
        (ENGLISH, "utf-8-sig"),
        (ENGLISH, "utf-16"),
        (ENGLISH, "utf-16-le"),
        (ENGLISH, "utf-16-be"),
        (ENGLISH, "utf-32"),
        (ENGLISH, "cp1252"),
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "utf-8-sig"),
        (SIMPLIFIED, "gb18030"),
        (SIMPLIFIED, "gb2312"),
        (SIMPLIFIED, "utf-16"),
        (SIMPLIFIED, "utf-16-le"),
        (SIMPLIFIED, "utf-16-be"),
        (TRADITIONAL, "big5"),
        (TRADITIONAL, "utf-8"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
    ],
)
def test_the_text_comes_out_as_it_was(tmp_path, text, encoding):
    found, file = read(tmp_path / "f.txt", text.encode(encoding))
    assert found == text
    assert file.unreadable == 0


@pytest.mark.parametrize(("name", "encoding"), [("sentiment-zh.jsonl", "gb18030"), ("tang-poems.txt.gz", "big5")])
def test_real_chinese_of_old_files(real_text, tmp_path, name, encoding):
    path = real_text(name)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = "".join(character for character in content.decode()[:2_000_000] if not character.isascii())
    for start in range(0, 30_000, 3000):
        passage = text[start : start + 500].encode(encoding, "ignore").decode(encoding)
        assert read(tmp_path / "f.txt", passage.encode(encoding))[0] == passage


@given(text=st.text(min_size=1), encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_byte_order_mark_decides_whatever_the_text(tmp_path_factory, text, encoding):
    assume(not text.startswith("\0"))  # UTF-16's mark and a zero are UTF-32's mark
    found, _file = read(tmp_path_factory.getbasetemp() / "mark.txt", text.encode(encoding))
    assert found == text.replace("\r\n", "\n").replace("\r", "\n")


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n"), min_size=1))
@example("\ufffe")
@example("字")
def test_utf_8_is_always_known(tmp_path_factory, text):
    assume(not text.startswith("\ufeff"))
    found, file = read(tmp_path_factory.getbasetemp() / "plain.txt", text.encode())
    assert (found, file.encoding) == (text, "utf-8")


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    try:
        found, file = read(tmp_path_factory.getbasetemp() / "any.txt", content)
    except NotTextError as error:
        assert str(error)
    else:
        assert isinstance(found, str) and file.encoding


def test_ascii_is_utf_8(tmp_path):
    assert read(tmp_path / "f.txt", b"Plain words.\n")[1].encoding == "utf-8"


def test_a_character_on_the_edge_of_the_sample_is_no_damage(tmp_path):
    text = "x" * (SAMPLE - 1) + "字" * 10
    assert read(tmp_path / "f.txt", text.encode())[0] == text


def test_every_kind_of_line_end_is_one_line_end(tmp_path):
    (tmp_path / "f.txt").write_bytes(b"one\r\ntwo\rthree\nfour")
    assert read_lines(tmp_path / "f.txt")[0] == ["one\n", "two\n", "three\n", "four"]


def _zip():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("word/document.xml", "<w>text</w>" * 100)
    return memory.getvalue()


def _sqlite(folder):
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("create table t (a text)")
    return (folder / "x.db").read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not text"),
        (random.Random(0).randbytes(5000), "not text"),
        (bytes(1000), "not text"),
        (gzip.compress(ENGLISH.encode() + random.Random(0).randbytes(3000)), "not text"),
        (_zip(), "not text"),
        (Path(sys.executable).resolve().read_bytes()[:300_000], "not text"),
    ],
    ids=["empty", "png", "noise", "zeros", "gzip", "zip", "program"],
)
def test_what_is_no_text_is_refused(tmp_path, content, reason):
    with pytest.raises(NotTextError, match=reason):
        read(tmp_path / "f.txt", content)


def test_a_database_is_no_text(tmp_path):
    with pytest.raises(NotTextError, match="not text"):
        read(tmp_path / "f.txt", _sqlite(tmp_path))


def test_some_damage_is_counted_and_the_rest_is_read(tmp_path):
    found, file = read(tmp_path / "f.txt", SIMPLIFIED.encode() + b"\xff\xfe" + SIMPLIFIED.encode())
    assert found.count("芳林") == 80
    assert file.encoding == "utf-8" and file.unreadable == 2


@pytest.mark.parametrize("text", [ENGLISH, SIMPLIFIED, "Plain words.\n" * 100])
def test_a_stray_zero_byte_does_not_make_it_another_encoding(tmp_path, text):
    found, file = read(tmp_path / "f.txt", text.encode() + b"\0" + text.encode())
    assert file.encoding == "utf-8" and found == text + "\0" + text


def test_a_line_of_any_length_is_read_in_parts(tmp_path):
    text = "好 word " * 100_000
    (tmp_path / "f.txt").write_text(text, encoding="utf-8")
    lines, _notes = read_lines(tmp_path / "f.txt")
    assert max(map(len, lines)) <= LONGEST_LINE and "".join(lines) == text


RECODED = [
    ("sentiment-zh.jsonl", "gb18030"),
    ("sentiment-zh.jsonl", "utf-16-le"),
    ("tang-poems.txt.gz", "gb18030"),
    ("tang-poems.txt.gz", "big5"),
    ("tang-poems.txt.gz", "utf-16-be"),
    ("kjv.txt", "utf-16-le"),
    ("kjv.txt", "utf-16-be"),
]


@pytest.mark.parametrize(("name", "encoding"), RECODED)
@pytest.mark.parametrize("size", [200, 1000, 10_000])
def test_pieces_of_real_text_in_old_encodings(real_text, name, encoding, size):
    path = real_text(name)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = content.decode()[:3_000_000]
    numbers, right = random.Random(size), 0
    for _ in range(60):
        start = numbers.randrange(len(text) - size)
        piece = text[start : start + size].encode(encoding, "ignore")[:size].decode(encoding, "ignore")
        right += piece.encode(encoding).decode(detect_encoding(piece.encode(encoding), whole=True), "replace") == piece
    assert right >= 58


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("编号 12, name: 张三, state: open\n", "gb18030"),
        ("书\n", "gb18030"),
        ("今天天气不错。\n", "gb18030"),
        ("今天天氣不錯，我們去看書。\n", "big5"),
        ("名前はまだ無い。\n", "shift_jis"),
        ("名前はまだ無い。\n", "euc_jp"),
        ("나는 오늘 학교에 가서 친구를 만났다.\n", "euc_kr"),
        ("Café au lait, s'il vous plaît.\n", "cp1252"),
        ("She said “no” — and left.\n", "cp1252"),
        ("Plain ASCII all along. " * 100 + "Then one é.\n", "latin-1"),
        ("Plain ASCII all along. " * 100 + "然后是几个汉字。\n", "gb18030"),
        ("Plain ASCII all along. " * 100 + "然後是幾個漢字。\n", "big5"),
        ("Plain ASCII.\n", "utf-16-be"),
        ("好雨知时节当春乃发生", "utf-16-le"),
        ("Мой дядя самых честных правил\n", "utf-16-be"),
    ],
)
def test_a_few_foreign_characters_are_enough(tmp_path, text, encoding):
    assert read(tmp_path / "f.txt", text.encode(encoding))[0] == text


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_cut_at_the_end_of_the_sample_is_no_damage_in_old_encodings(cut):
    content = (SIMPLIFIED * 10).encode("gb18030")
    assert detect_encoding(content[: len(content) - cut], whole=False) == "gb18030"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "shift_jis"])
def test_a_file_that_is_cut_within_its_last_character_is_still_known(tmp_path, encoding):
    text = "名前はまだ無い。" if encoding == "shift_jis" else "他是人，我不是。"
    found, _notes = read(tmp_path / "f.txt", text.encode(encoding)[:-1])
    assert found == text[:-1] + "\ufffd"
