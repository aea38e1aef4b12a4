"""Word documents: paragraphs, headings, lists, tables and notes in their order."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers.base import Notes, NotTextError
from newleaf.core.corpus.readers.docx import FORMAT

from .reading_aids import texts, texts_or_reason, zipped

NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def written():
    """A document that python-docx wrote."""
    import docx

    document = docx.Document()
    document.add_heading("The lock", level=1)
    document.add_paragraph("It was built ").add_run("twice").bold = True
    document.add_paragraph("water", style="List Bullet")
    document.add_paragraph("wood", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, words in zip(table.rows, (("Boat", "Length"), ("Anna", "12 m")), strict=True):
        for cell, word in zip(row.cells, words, strict=True):
            cell.text = word
    document.add_paragraph("After the table.\tWith a tab")
    document.sections[0].header.paragraphs[0].text = "A header"
    document.sections[0].footer.paragraphs[0].text = "A footer"
    memory = io.BytesIO()
    document.save(memory)
    return memory.getvalue()


def body(inside, **parts):
    """A document of which only the body is given, as XML with the prefix w."""
    document = f'<w:document xmlns:w="{NAMESPACE}"><w:body>{inside}</w:body></w:document>'
    return zipped({"word/document.xml": document, **{name.replace("__", "/"): part for name, part in parts.items()}})


def paragraph(*runs):
    return "<w:p>" + "".join(run if run.startswith("<") else f"<w:r><w:t>{run}</w:t></w:r>" for run in runs) + "</w:p>"


def test_everything_comes_in_the_order_of_the_document_without_headers_and_footers():
    assert texts(FORMAT, written()) == [
        "The lock\n\nIt was built twice\n\n- water\n- wood\n\nBoat\tLength\nAnna\t12 m\n\nAfter the table.\tWith a tab"
    ]


def test_tracked_insertions_are_text_and_deletions_are_not():
    deleted = "<w:del><w:r><w:delText>never</w:delText></w:r></w:del>"
    inserted = "<w:ins><w:r><w:t>always</w:t></w:r></w:ins>"
    assert texts(FORMAT, body(paragraph("I ", deleted, inserted, " came"))) == ["I always came"]


def test_links_and_fields_give_what_they_show():
    link = "<w:hyperlink><w:r><w:t>here</w:t></w:r></w:hyperlink>"
    field = "<w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>7</w:t></w:r>"
    assert texts(FORMAT, body(paragraph("See ", link, ", page ", field))) == ["See here, page 7"]


def test_what_is_in_content_controls_and_text_boxes_is_not_lost():
    control = f"<w:sdt><w:sdtContent>{paragraph('In a control')}</w:sdtContent></w:sdt>"
    box = f"<w:r><w:pict><w:txbxContent>{paragraph('In a box')}</w:txbxContent></w:pict></w:r>"
    assert texts(FORMAT, body(control + paragraph("Outside", box))) == ["In a control\n\nOutside\n\nIn a box"]


def test_hidden_text_is_left_out():
    assert texts(FORMAT, body(paragraph("seen", "<w:r><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r>"))) == ["seen"]


def test_a_table_within_a_cell_is_text_of_the_cell():
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('b')}</w:tc><w:tc>{paragraph('c')}</w:tc></w:tr></w:tbl>"
    table = f"<w:tbl><w:tr><w:tc>{paragraph('a')}{inner}</w:tc><w:tc>{paragraph('d')}</w:tc></w:tr></w:tbl>"
    assert texts(FORMAT, body(table)) == ["a b c\td"]


def test_footnotes_stand_at_the_end():
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="a" Type="http://x/relationships/footnotes" Target="footnotes.xml"/></Relationships>'
    )
    notes = (
        f'<w:footnotes xmlns:w="{NAMESPACE}"><w:footnote w:type="separator">{paragraph("---")}</w:footnote>'
        f"<w:footnote>{paragraph('A note.')}</w:footnote></w:footnotes>"
    )
    parts = {"word___rels__document.xml.rels": relations, "word__footnotes.xml": notes}
    assert texts(FORMAT, body(paragraph("Text."), **parts)) == ["Text.\n\nA note."]
    found = Notes()
    damaged = {**parts, "word__footnotes.xml": "<not xml"}
    with pytest.raises(NotTextError, match=r"footnotes\.xml is no XML"):
        texts(FORMAT, body(paragraph("Text."), **damaged), found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000), "password"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (zipped({"a.txt": "text"}), "no Word document"),
        (zipped({"word/document.xml": "<other/>"}), "no Word document"),
        (zipped({"word/document.xml": "text"}), "no XML"),
        (body("<w:p/>"), "no text"),
        (body(paragraph("a" * 3_000_000)), "unpack to 3.0 MB"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotTextError, match=reason):
        texts(FORMAT, content)


def test_paragraphs_within_paragraphs_without_end_are_no_trap():
    texts_or_reason(FORMAT, body("<w:sdt>" * 3000 + paragraph("deep") + "</w:sdt>" * 3000))


WHOLE = body(paragraph("It was ", "night."))


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end])))
def test_any_bytes_and_any_beginning_of_a_document_are_refused_with_a_reason(data):
    assert texts_or_reason(FORMAT, data)[1]


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_any_damage_gives_text_or_a_reason(place, damage):
    found, reason = texts_or_reason(FORMAT, WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    assert found or reason
