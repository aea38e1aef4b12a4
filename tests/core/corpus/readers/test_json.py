"""JSON by lines, as a list, as one record; conversations become text; what is bad is told by its line."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers import json as records
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions

ROWS = [{"id": n, "text": f"This is text {n}, “said” 他。", "more": {"tags": ["a", "b"]}} for n in range(300)]
TEXTS = [row["text"] for row in ROWS]


def read(content, column=None):
    notes = Notes()
    content = content if isinstance(content, bytes) else content.encode()
    return list(records.read(io.BytesIO(content), notes, ReadOptions(column))), notes


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        lines(ROWS),
        lines(ROWS).replace("\n", "\r\n\r\n"),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2, ensure_ascii=False),
        json.dumps({"version": 1, "few": [{"a": 1}], "data": ROWS}),
        json.dumps({"version": 1, "data": ROWS}, indent=2),
        "\ufeff" + lines(ROWS),
        "\n " + json.dumps(ROWS),
    ],
    ids=["lines", "lines of Windows", "list", "indented list", "record", "indented record", "mark", "space"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_the_texts_come_out_as_they_were(content, encoding):
    texts, notes = read(content.encode(encoding))
    assert texts == TEXTS and notes.left_out == []
    assert notes.column == "text"


def test_a_bad_line_is_told_and_the_rest_goes_on():
    content = lines(ROWS[:10]).split("\n")
    content[4] = content[4][:-3]
    texts, notes = read("\n".join(content))
    assert texts == TEXTS[:4] + TEXTS[5:10]
    ((where, reason),) = notes.left_out
    assert where == "line 5" and "no JSON" in reason


@pytest.mark.parametrize("bad", ["{", '{"text": "a', "[1, 2]", "5", "null", "\x00", "{}", '{"other": 1}'])
def test_anything_may_stand_in_a_line(bad):
    texts, notes = read(lines(ROWS[:4]) + bad + "\n" + lines(ROWS[4:8]))
    assert texts == TEXTS[:8]
    assert [where for where, _reason in notes.left_out] == ["line 5"]


def test_a_bad_element_of_a_list_is_told():
    content = json.dumps(ROWS[:10]).replace('"id": 4', '"id": oops')
    texts, notes = read(content)
    assert texts == TEXTS[:4] + TEXTS[5:10]
    assert [where for where, _reason in notes.left_out] == ["record 5"]


def test_a_list_that_is_cut_off_gives_what_is_whole():
    content = json.dumps(ROWS)
    texts, notes = read(content[: len(content) // 2])
    assert texts == TEXTS[: len(texts)] and len(texts) > 100
    assert "the file may be cut off" in notes.left_out[-1][1]


def test_bytes_that_are_no_utf_8_are_replaced():
    content = lines(ROWS[:50]).encode().replace(b"text 7", b"text \xff")
    texts, notes = read(content)
    assert len(texts) == 50 and "text \ufffd" in texts[7] and notes.unreadable == 1


def test_a_list_of_texts_is_texts():
    assert read('["One text here.", "And another."]')[0] == ["One text here.", "And another."]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"id": "a7", "url": "https://example.org/a/b", "title": "A title", "x": "Many words of prose in here."}, "x"),
        ({"meta": {"note": "ok"}, "doc": {"body": "Many words of prose in here."}}, "doc.body"),
        ({"content": "Many words of prose in here.", "x": "Quite a few other words, more than there are."}, "content"),
        ({"context": "Many words of prose in here.", "answers": {"text": ["in here"], "start": [1]}}, "context"),
        ({"parts": ["Many words of prose", "in here."], "n": 3}, "parts"),
    ],
)
def test_the_field_is_found(row, column):
    assert read(lines([row] * 5))[1].column == column


def test_a_field_may_be_named_by_a_path():
    row = {"a": {"b": [{"c": "Deep words."}], "d.e": "x"}, "a.b": "Flat words."}
    assert read(lines([row]), "a.b.0.c")[0] == ["Deep words."]
    assert read(lines([row]), "a.b")[0] == ["Flat words."]
    with pytest.raises(NotTextError, match=r"no column z; there are: a\.b, a\.d\.e"):
        read(lines([row]), "z")


@pytest.mark.parametrize(
    "content", ['{"n": 1, "m": 2}\n', '[{"n": 1, "m": 2}]', '{"n": 1, "m": 2}\n{"n": "x", "m": 3}\n']
)
def test_a_file_without_text_names_its_fields(content):
    with pytest.raises(NotTextError, match=r"holds text; .*: n, m"):
        read(content)


@pytest.mark.parametrize("content", ["", "{", "[", "[]", "\n\n", "[1, 2, 3]", "12"])
def test_what_has_no_records_says_so(content):
    with pytest.raises(NotTextError):
        read(content)


SAID = "User: What is a leaf?\nAssistant: A part of a plant."


@pytest.mark.parametrize(
    ("row", "text", "column"),
    [
        (
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "What is a leaf?"},
                    {"role": "assistant", "content": "A part of a plant."},
                ]
            },
            "System: Be brief.\n" + SAID,
            "messages",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "What is a leaf?"}, {"type": "image_url"}]},
                    {"role": "assistant", "content": "A part of a plant.", "tool_calls": None},
                ]
            },
            SAID,
            "messages",
        ),
        (
            {
                "id": 1,
                "conversations": [
                    {"from": "human", "value": "What is a leaf?"},
                    {"from": "gpt", "value": "A part of a plant."},
                ],
            },
            SAID,
            "conversations",
        ),
        (
            {"instruction": "What is a leaf?", "input": "", "output": "A part of a plant."},
            SAID,
            "instruction + input + output",
        ),
        (
            {"instruction": "Sort these.", "input": "b a", "output": "a b"},
            "User: Sort these.\nb a\nAssistant: a b",
            "instruction + input + output",
        ),
        ({"prompt": "What is a leaf?", "completion": " A part of a plant."}, SAID, "prompt + completion"),
    ],
)
def test_conversations_become_text_with_who_speaks(row, text, column):
    texts, notes = read(lines([row] * 3))
    assert texts == [text] * 3 and notes.column == column


def test_a_conversation_may_be_named_too():
    row = {"text": "Other words here.", "talk": [{"role": "user", "content": "What is a leaf?"}]}
    assert read(lines([row]), "talk")[0] == ["User: What is a leaf?"]


def test_a_long_list_is_read_in_little_memory():
    def pieces():
        yield b"["
        for n in range(40_000):
            yield (b"" if n == 0 else b",") + json.dumps({"text": f'Text {n} }},{{ \\ " [' + "words " * 200}).encode()
        yield b"]"

    class Pieces(io.RawIOBase):
        rest, source = b"", pieces()

        def readable(self):
            return True

        def readinto(self, buffer):
            piece = self.rest or next(self.source, b"")
            buffer[: len(piece)], self.rest = piece[: len(buffer)], piece[len(buffer) :]
            return min(len(piece), len(buffer))

    tracemalloc.start()
    count = sum(1 for _text in records.read(io.BufferedReader(Pieces()), Notes(), ReadOptions()))
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000 and most < 15_000_000


ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=50
)  # DEL: a binary file


@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(["text", "a", "b"]), ANY_TEXT | st.integers() | st.lists(ANY_TEXT, max_size=5), max_size=3
        ),
        max_size=10,
    ),
    indent=st.sampled_from([None, 1]),
)
def test_a_list_gives_what_its_lines_give(rows, indent):
    rows = [{"text": "Some words, to begin with.", "a": "", "b": ""}, *rows]
    assert read(json.dumps(rows, indent=indent), "text")[0] == read(lines(rows), "text")[0]


@given(content=st.text(st.sampled_from('{}[],:"\\ \nab1'), min_size=1))
def test_any_text_is_json_or_not(content):
    try:
        read(content)
    except NotTextError as error:
        assert str(error)
