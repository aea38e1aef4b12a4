"""Tables as text: the separator, the header and the column are found, and what is broken is told by its line."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import gather

from newleaf.core.corpus.readers import csv as tables
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions
from newleaf.core.errors import UserError

PROSE = [
    "The film was long, and nobody left.",
    'He said "no", then he said "yes".',
    "Two lines\nin one review; and more of it.",
    "A fourth text, as plain as the others.",
]


def read(content, column=None):
    notes = Notes()
    content = content.encode() if isinstance(content, str) else content
    return list(tables.read(io.BytesIO(content), notes, ReadOptions(column))), notes


def written(rows, **options):
    file = io.StringIO(newline="")
    csv.writer(file, **options).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_the_separator_and_the_header_are_found(separator, header):
    rows = [[number, text, number % 2] for number, text in enumerate(PROSE * 5)]
    content = written([["id", "review", "label"], *rows] if header else rows, delimiter=separator)
    texts, notes = read(content)
    assert texts == PROSE * 5 and notes.left_out == []
    assert notes.column == ("review" if header else "2")


def test_a_table_of_one_column_is_read():
    assert (
        read("text\n" + "\n".join(f"Line {n}, or so, of words." for n in range(9)))[0][0] == "Line 0, or so, of words."
    )
    assert read("words\nand more\n")[0] == ["words", "and more"]


def test_commas_of_prose_make_no_table():
    lines = ["It was, as they say, a dark night.", "The storm, though, was mild.", "Nobody came."]
    assert read("\n".join(lines))[0] == lines


def test_plain_titles_are_a_header_though_there_is_but_one_row():
    texts, notes = read("question,answer\nWhat is it,A leaf of a tree it is\n")
    assert texts == ["A leaf of a tree it is"] and notes.column == "answer"


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("id,text,summary", "text"),
        ("id,评论,摘要", "评论"),
        ("id,Content,other", "Content"),
        ("id,foo,bar", "bar"),  # no name helps: there is more prose in it
        ("url,foo,bar", "bar"),
    ],
)
def test_the_column_is_found_by_name_then_by_its_prose(header, taken):
    row = "https://example.org/some/long/address/with/parts,Some words here.,More words of prose than before.\n"
    assert read(header + "\n" + row * 5)[1].column == taken


def test_a_column_may_be_named_or_numbered():
    content = "id,text,title\n1,Some words here.,A title here\n"
    for column in ("title", "Title", "3"):
        texts, notes = read(content, column)
        assert texts == ["A title here"] and notes.column == "title"
    with pytest.raises(UserError, match=r"no column price; there are: id, text, title"):
        read(content, "price")
    with pytest.raises(UserError, match="no column 4"):
        read(content, "4")


def test_a_table_of_numbers_has_no_text():
    with pytest.raises(NotTextError, match=r"no column in it holds text; .*: day, price"):
        read("day,price\n2024-01-01,5\n2024-01-02,6\n")


def test_a_broken_quote_is_told_by_line_and_the_rest_goes_on():
    lines = written([["id", "text"], *enumerate(PROSE[:2] * 50)]).splitlines(keepends=True)
    lines[5] = '4,"The quote of this one is never closed.\r\n'
    texts, notes = read("".join(lines))
    assert notes.left_out == [("line 6", "a quote in it is not closed")]
    assert texts == PROSE[:2] * 2 + PROSE[1:2] + PROSE[:2] * 47


def test_a_broken_quote_that_nothing_closes_does_not_swallow_the_rest():
    content = 'id,text\n1,Some words here.\n2,"Broken from here.\n' + "3,More words there.\n" * 5000
    texts, notes = read(content)
    assert texts == ["Some words here."] + ["More words there."] * 5000
    assert notes.left_out == [("line 3", "a quote in it is not closed")]


def test_rows_of_another_width_are_told_by_line():
    content = "text,id,label\nSome words here.,1,0\n\nMore words, there,2,0\nThird words here.\nx,2,3\n"
    texts, notes = read(content, "text")
    assert texts == ["Some words here.", "Third words here.", "x"]
    assert notes.left_out == [("line 4", "its number of fields is 4 and not 3")]
    texts, notes = read("id,text\n1,Some words here.\n2\n3,And more.\n")
    assert texts == ["Some words here.", "And more."]
    assert notes.left_out == [("line 3", "its number of fields is 1 and not 2")]


def test_what_separates_columns_may_stand_in_the_last_one():
    texts, _notes = read("id,text\n1,One, two, three words.\n2,Plain words here.\n3,And plain words.\n")
    assert texts == ["One, two, three words.", "Plain words here.", "And plain words."]


def test_quotes_in_a_table_with_tabs_may_be_just_characters():
    rows = "".join(f'{n}\t"Hello there number {n}, said she.\t{n % 2}\n' for n in range(50))
    texts, notes = read(rows)
    assert texts == [f'"Hello there number {n}, said she.' for n in range(50)] and notes.left_out == []


def test_quotes_may_be_escaped_by_a_backslash():
    texts, notes = read('id,text\n1,"He said \\"no\\", twice."\n2,"Plain words, here."\n')
    assert texts == ['He said "no", twice.', "Plain words, here."] and notes.left_out == []


def test_a_field_may_be_a_whole_book():
    book = "It was a long book, with many words.\n" * 100_000
    assert read(written([["id", "text"], [1, book], [2, "Short words here."]]))[0] == [book, "Short words here."]


def test_an_old_encoding_is_read():
    rows = "编号,评论\n" + "".join(f"{n},这本书的内容很好，我非常喜欢。\n" for n in range(20))
    texts, notes = read(rows.encode("gb18030"))
    assert texts == ["这本书的内容很好，我非常喜欢。"] * 20
    assert (notes.encoding, notes.column) == ("gb18030", "评论")


def test_an_empty_table_says_so():
    for content in ("\n\n", " \n"):
        with pytest.raises(NotTextError):
            read(content)


@given(
    texts=st.lists(st.text(st.sampled_from('ab ,;\t|"\n\\好。'), max_size=30), min_size=1, max_size=20),
    separator=st.sampled_from(",;\t|"),
)
def test_what_a_program_wrote_with_all_in_quotes_comes_out_as_it_was(texts, separator):
    rows = [["id", "text", "n"], *([str(n), text, "1"] for n, text in enumerate(texts))]
    expected = [text for text in texts if text.strip()]
    content = written(rows, delimiter=separator, quoting=csv.QUOTE_ALL)
    manner = tables.Manner(separator)
    rows_read = [row for _number, row in tables.rows(io.StringIO(content, newline=""), manner, 3, Notes())]
    assert [row[1] for row in rows_read[1:] if row[1].strip()] == expected


@given(content=st.text(st.sampled_from('ab1 ,;\t|"\n\r\\'), min_size=1))
def test_any_text_is_a_table_or_none(content):
    try:
        read(content)
    except NotTextError as error:
        assert str(error)


def test_real_reviews_come_out_as_they_were(real_text, tmp_path):
    reviews = [json.loads(line)["text"] for line in real_text("sentiment-zh.jsonl").open(encoding="utf-8")]
    for name, separator in (("a.csv", ","), ("b.tsv", "\t")):
        rows = [["id", "text"], *enumerate(reviews)]
        (tmp_path / name).write_bytes(written(rows, delimiter=separator).encode())
        texts, notes, _left = gather(tmp_path / name)
        assert texts[name] == [review.replace("\r\n", "\n") for review in reviews if review.strip()]
        assert notes[name].left_out == []
