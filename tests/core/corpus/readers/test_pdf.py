"""PDF: running text, without what repeats on each page."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers import pdf
from newleaf.core.corpus.readers.base import Notes, NotTextError
from newleaf.core.corpus.readers.pdf import FORMAT
from newleaf.core.corpus.readers.pdf_layout import running_pages, running_text
from newleaf.core.corpus.readers.pdf_pages import Line, Page

from .reading_aids import texts, texts_or_reason

PICTURE = (
    b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>"
)


def made(pages, trailer=b"", content=None):
    """A PDF: for each page a list of (x, y, size, text), in points from the lower left corner."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    objects.append(PICTURE + b"\nstream\n\0\nendstream")
    numbers = []
    for lines in pages:
        shown = content or b"\n".join(
            b"BT /F1 %d Tf 1 0 0 1 %d %d Tm (%s) Tj ET" % (size, x, y, text.encode("cp1252"))
            for x, y, size, text in lines
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown))
        resources = b"<< /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >>"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R /Resources %s >>"
            % (len(objects), resources)
        )
        numbers.append(len(objects))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(numbers))
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, item in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, item))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, trailer, start))
    return out.getvalue()


def column(*lines, top=700, left=72, size=11, step=14):
    """Lines one below the other."""
    return [(left, top - step * number, size, text) for number, text in enumerate(lines)]


LONG = [
    "The heron stood in the shallow water for most of the morning, and nothing that passed on",
    "the bank disturbed it. Towards noon the wind turned, the reeds began to move, and the first",
    "boats came down from the lock.",
]


def test_the_lines_of_a_paragraph_are_one_line():
    assert texts(FORMAT, made([column(*LONG)])) == [" ".join(LONG)]


def test_paragraphs_apart_from_each_other_stay_apart():
    page = column(*LONG) + column(*LONG, top=640)
    assert texts(FORMAT, made([page])) == [f"{' '.join(LONG)}\n\n{' '.join(LONG)}"]


def test_paragraphs_that_begin_with_an_indent_stay_apart():
    page = column(*LONG) + column(LONG[0], left=90, top=658) + column(*LONG[1:], top=644)
    assert texts(FORMAT, made([page])) == [f"{' '.join(LONG)}\n\n{' '.join(LONG)}"]


def test_a_heading_stands_by_itself():
    page = [(72, 730, 18, "The river"), *column(*LONG)]
    assert texts(FORMAT, made([page])) == [f"The river\n\n{' '.join(LONG)}"]


def test_lines_that_could_have_been_longer_stay_lines():
    page = column(*LONG) + column("if a:", "b()", "c()", top=640)
    assert texts(FORMAT, made([page]))[0].endswith("\n\nif a:\nb()\nc()")


def test_the_rows_of_a_table_are_lines_with_tabs():
    rows = [[("Boat", 72), ("Length", 300)], [("Anna", 72), ("12 m", 300)]]
    page = [(x, 700 - 14 * number, 11, word) for number, row in enumerate(rows) for word, x in row]
    assert texts(FORMAT, made([page])) == ["Boat\tLength\nAnna\t12 m"]


def test_a_word_that_was_cut_is_whole_and_a_compound_keeps_its_hyphen():
    first = "The heron stood in the shallow water for most of the morning, nothing well-known passed and it was undis-"
    second = (
        "turbed. Towards noon the wind turned, the reeds began to move, and the first boats of the night, all well-"
    )
    third = "known, came down from the lock."
    (text,) = texts(FORMAT, made([column(first, second, third, size=10)]))
    assert "it was undisturbed. Towards" in text and "all well-known, came" in text


def test_headers_footers_and_page_numbers_are_removed():
    pages = [
        [
            (72, 760, 9, f"On Herons   {number}"),
            *column(f"This is page {word} of it.", *LONG),
            (300, 40, 9, f"- {number} -"),
        ]
        for number, word in enumerate(("one", "two", "three", "four", "five", "six"), 11)
    ]
    (text,) = texts(FORMAT, made(pages))
    assert "On Herons" not in text and "12" not in text
    assert [word in text for word in ("page one", "page six")] == [True, True]


def test_a_paragraph_goes_on_over_the_end_of_a_page():
    pages = [
        [*column(*LONG[:2]), (300, 40, 9, "1")],
        [*column(LONG[2]), (300, 40, 9, "2")],
    ]
    assert texts(FORMAT, made(pages)) == [" ".join(LONG)]


def test_where_pages_begin_in_the_text_can_be_known():
    pages = [
        [*column("It begins.", *LONG[:2], top=714), (300, 40, 9, "1")],
        [*column(LONG[2]), *column("- one", "- two", top=640), (300, 40, 9, "2")],
        [*column("- three", "- four"), *column(LONG[0], top=600), (300, 40, 9, "3")],
    ]
    ((text, places),) = FORMAT.pages(made(pages))
    assert [text] == texts(FORMAT, made(pages))
    begins = {page: text[place:].lstrip()[:6] for place, page in places}
    assert begins == {1: "It beg", 2: "boats ", 3: "- thre"}


def test_pages_that_are_pictures_need_ocr():
    with pytest.raises(NotTextError, match="pictures: run it through OCR first"):
        texts(FORMAT, made([[], []], content=b"q 600 0 0 800 0 0 cm /I1 Do Q"))


def test_pages_without_anything_have_no_text():
    with pytest.raises(NotTextError, match="no text"):
        texts(FORMAT, made([[]]))


def test_an_encrypted_file_is_refused():
    key = b"(" + b"x" * 32 + b")"
    encrypt = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O %s /U %s >> /ID [(a) (a)]" % (key, key)
    with pytest.raises(NotTextError, match="encrypted: save it without a password"):
        texts(FORMAT, made([column(*LONG)], trailer=encrypt))


@pytest.mark.parametrize("content", [b"%PDF-1.4\n", b"text", random.Random(0).randbytes(3000)])
def test_what_is_no_pdf_is_refused(content):
    with pytest.raises(NotTextError, match="damaged, or no PDF"):
        texts(FORMAT, content)


def test_an_empty_file_is_refused():
    with pytest.raises(NotTextError, match="empty"):
        texts(FORMAT, b"")


def test_a_damaged_page_is_named_after_the_text_of_the_others(monkeypatch):
    real = pdf.page_lines
    monkeypatch.setattr(pdf, "page_lines", lambda document, index: None if index == 1 else real(document, index))
    found, reason = texts_or_reason(FORMAT, made([column("One."), column("Two."), column("Three.")]))
    assert found == ["One.\n\nThree."] and reason == "these pages of it are damaged: 2"


def test_of_a_large_file_only_the_lines_are_handed_on(monkeypatch):
    data = made([column(f"Page {number} is here.") for number in range(5)])
    monkeypatch.setattr(pdf, "LARGE", 100)
    monkeypatch.setattr(pdf, "PAGES", 2)
    payloads = list(FORMAT.read(io.BytesIO(data), Notes(), None))
    assert [[page.number for page in part] for part in payloads] == [[1, 2], [3, 4], [5]]
    assert "\n\n".join(texts(FORMAT, data)).count("is here") == 5
    with pytest.raises(NotTextError, match="pictures"):
        texts(FORMAT, made([[], []], content=b"q 600 0 0 800 0 0 cm /I1 Do Q"))


def laid_out(*lines, number=1):
    """A page of lines of 40 characters at most, of 10 points each."""
    found = []
    for index, text in enumerate(lines):
        found.append(Line(text, 50, 50 + 10 * len(text), 700 - 14 * index, 10))
    return Page(number, found)


def test_chinese_lines_are_joined_without_a_space():
    page = laid_out(
        "白日依山尽，黄河入海流，欲穷千里目，更上一层楼，千山鸟飞绝，万径人踪", "灭，孤舟蓑笠翁，独钓寒江雪。"
    )
    assert (
        running_text([page])
        == "白日依山尽，黄河入海流，欲穷千里目，更上一层楼，千山鸟飞绝，万径人踪灭，孤舟蓑笠翁，独钓寒江雪。"
    )


def test_lines_of_a_table_of_contents_are_left_out():
    dotted = [f"{number} Chapter . . . . . . . . . . {number}" for number in range(1, 8)]
    assert running_text([laid_out("Contents 2", *dotted), laid_out("It begins.", number=2)]) == "It begins."


LINES = st.builds(
    Line,
    st.text("ab .-1字。•", min_size=1, max_size=20).filter(str.strip).map(str.strip),
    st.floats(0, 300),
    st.floats(300, 600),
    st.floats(0, 800),
    st.floats(1, 30),
)


@given(st.lists(st.lists(LINES, max_size=8), max_size=6))
def test_any_pages_give_a_text(pages):
    text = running_text([Page(number, lines) for number, lines in enumerate(pages, 1)])
    assert "\n\n\n" not in text


@given(st.lists(st.lists(LINES, max_size=8), max_size=6))
def test_places_of_pages_go_upwards_within_the_text(pages):
    text, places = running_pages([Page(number, lines) for number, lines in enumerate(pages, 1)])
    assert [place for place, _page in places] == sorted(place for place, _page in places)
    assert all(place <= len(text) for place, _page in places) and bool(places) >= bool(text)


WHOLE = made([column(*LONG), column(*LONG)])


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end])))
def test_any_bytes_and_any_beginning_of_a_file_give_text_or_a_reason(data):
    found, reason = texts_or_reason(FORMAT, data)
    assert found or reason


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_any_damage_gives_text_or_a_reason(place, damage):
    found, reason = texts_or_reason(FORMAT, WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    assert found or reason
