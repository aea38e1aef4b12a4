"""Lines of JSON read in C: the same texts and the same remarks as with orjson, record by record."""

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.native import library
from newleaf.core.corpus.readers import json as records
from newleaf.core.corpus.readers import json_lines
from newleaf.core.corpus.readers.base import Notes, ReadOptions
from newleaf.core.corpus.readers.json_lines import Lines
from newleaf.core.corpus.readers.records import way_of

WAY = way_of([{"text": "words"}], "text")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(st.sampled_from(["text", "te", "textual", "a\tb", "ü", ""]), st.text() | values, max_size=4)
odd_lines = st.sampled_from(
    [
        b"",
        b" \t\x0b\r",
        b"{}",
        b"[]",
        b'"words"',
        b"3",
        b'{"text": "a"',
        b'{"text": "a"}}',
        b'{"text": "a",}',
        b'{"text" "a"}',
        b'{"text": "a" "b": 1}',
        b'{"text": "one", "text": "two"}',
        b'{"text": "one", "text": 2}',
        b'{"te\\u0078t": "spelt"}',
        b'{"text": "\\ud83d\\ude00 \\u00e9\\ufffd\\/\\b\\f\\n\\r\\t\\"\\\\"}',
        b'{"text": "\\ud83d"}',
        b'{"text": "\\ud83dx\\ude00"}',
        b'{"text": "\\ude00"}',
        b'{"text": "\\u12"}',
        b'{"text": "\\x"}',
        b'{"text": "a\tb"}',
        b'{"text": "\xff"}',
        b'{"text": "\xc0\xaf"}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\xe0\x80\x80"}',
        b'{"text": "\xf4\x90\x80\x80"}',
        b'{"text": "\xf0\x9f\x98\x80 \xef\xbf\xbd \xe4\xb8\xad\xc3\xa9"}',
        b'{"text": "cut off \xe4\xb8',
        b'\x0c {"text": "spaces" , "n" : [ 1 , -0.5, 10e3, { } ] } \x0b\r',
        b'{"text": "a", "n": 01}',
        b'{"text": "a", "n": -}',
        b'{"text": "a", "n": 1.}',
        b'{"text": "a", "n": +1}',
        b'{"text": "a", "n": 1e999}',
        b'{"text": "a", "n": 123456789012345678901234567890}',
        b'{"text": "a", "n": NaN}',
        b'{"text": "a", "n": tru}',
        b'{"n": ' + b"[" * 40 + b"]" * 40 + b', "text": "deep"}',
        b'{"text": ["a", "b"]}',
        b'{"text": null}',
        b'{"text": ""}',
        b'{"other": "a"}',
    ]
)
lines = st.lists(
    odd_lines
    | st.builds(
        lambda row, ascii_: json.dumps(row, ensure_ascii=ascii_).encode("utf-8", "surrogatepass"), rows, st.booleans()
    )
    | st.binary(max_size=12).map(lambda data: b'{"text": "' + data.replace(b"\n", b"") + b'"}'),
    max_size=12,
)


def told(data, way=WAY):
    """What is read in C, and what Python reads, each with its remarks."""
    part = Lines(data, 5, data.count(b"\n") + 1, way)
    fast, slow = Notes(), Notes()
    return (list(part.texts(fast)), fast), (list(part.strings(slow)), slow)


@pytest.mark.skipif(library() is None, reason="there was no C compiler when newleaf was installed")
@given(lines, st.booleans())
@example([b'{"text": "last"}'], False)
def test_c_and_python_read_the_same(found, ended):
    fast, slow = told(b"\n".join(found) + b"\n" * ended)
    assert fast == slow


@pytest.mark.skipif(library() is None, reason="there was no C compiler when newleaf was installed")
def test_each_odd_line_is_read_alike():
    for line in odd_lines.elements:
        fast, slow = told(b'{"text": "before"}\n' + line + b'\n{"text": "behind"}\n')
        assert fast == slow, line


def test_a_file_in_parts_gives_what_it_gives_text_by_text(monkeypatch):
    monkeypatch.setattr(records, "_PART", 1000)
    monkeypatch.setattr(records, "MOST", 10)
    monkeypatch.setattr(records, "LARGEST", 5000)
    rows = [json.dumps({"text": f"Text {n}: é\ufffd\n{'x' * (n % 700)}"}, ensure_ascii=n % 2 == 0) for n in range(900)]
    rows[300], rows[400], rows[500], rows[-1] = "no JSON", json.dumps({"text": "y" * 5000}), "", '"' + "z" * 6000
    data = "\n".join(rows).encode()
    notes, notes_of_parts, found = Notes(), Notes(), []
    whole = list(records.read(io.BytesIO(data), notes, ReadOptions()))
    for payload in records.read(io.BytesIO(data), notes_of_parts, ReadOptions(in_parts=True)):
        found += payload.texts(notes_of_parts) if isinstance(payload, Lines) else [payload]
    assert found == whole and len(found) == 896
    assert sorted(notes_of_parts.left_out) == sorted(notes.left_out) and len(notes.left_out) == 3
    assert notes_of_parts.unreadable == notes.unreadable == 896


def test_each_line_by_itself_keeps_its_number():
    part = Lines(b'{"text": "a"}\n\n{"text": }\n', 7, 3, WAY)
    notes = Notes()
    assert [text for one in part.single() for text in one.texts(notes)] == ["a"]
    assert [where for where, _reason in notes.left_out] == ["line 9"]


def test_without_c_the_same_is_read(monkeypatch):
    monkeypatch.setattr(json_lines, "library", lambda: None)
    (fast, _notes), (slow, _more) = told(b'{"text": "a"}\n{"text": "b\\n"}\n')
    assert fast == slow == ["a", "b\n"]
