"""Books in EPUB: chapters in the order of the spine, whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers.base import Notes, NotTextError
from newleaf.core.corpus.readers.epub import FORMAT

from .reading_aids import texts, texts_or_reason, zipped

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
BOOK = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>
<item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/the%20one.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="cover" href="cover.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/><itemref idref="absent"/></spine></package>"""


def chapter(body, head=""):
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/>{head}</head><body>{body}</body></html>'
    )


ENTRIES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": BOOK,
    "OEBPS/nav.xhtml": chapter("<nav><ol><li>One</li><li>Two</li></ol></nav>"),
    "OEBPS/text/the one.xhtml": chapter("<h1>One</h1><p>It was&nbsp;night &amp; day.</p>\n<p>Nobody<br/>came.</p>"),
    "OEBPS/text/two.xhtml": chapter("<h1>Two</h1><footer>Even a footer is the book's.</footer>"),
}


def book(**changes):
    return zipped({**ENTRIES, **{name.replace("__", "/"): content for name, content in changes.items()}})


def test_the_chapters_come_in_the_order_of_the_spine_without_the_list_of_contents():
    assert texts(FORMAT, zipped(ENTRIES)) == [
        "One\n\nIt was night & day.\n\nNobody\ncame.",
        "Two\n\nEven a footer is the book's.",
    ]


def test_a_list_of_contents_that_the_guide_names_is_left_out():
    guide = '<guide><reference type="toc" href="text/the%20one.xhtml#top"/></guide></package>'
    entries = {**ENTRIES, "OEBPS/book.opf": BOOK.replace("</package>", guide)}
    assert [text[:3] for text in texts(FORMAT, zipped(entries))] == ["Two"]


def test_readings_above_characters_and_marks_of_notes_are_left_out():
    body = (
        "<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>を書く。"
        '<a epub:type="noteref" href="#n">1</a>終わり。</p>'
    )
    assert texts(FORMAT, zipped({**ENTRIES, "OEBPS/text/two.xhtml": chapter(body)}))[1] == "漢字を書く。終わり。"


def test_a_chapter_that_is_not_well_formed_is_read_all_the_same():
    body = "<p>One <b>bold</p><p>Two & three"
    assert (
        texts(FORMAT, zipped({**ENTRIES, "OEBPS/text/two.xhtml": f"<html><body>{body}"}))[1]
        == "One bold\n\nTwo & three"
    )


def test_a_book_that_was_packed_within_its_folder_is_read():
    assert len(texts(FORMAT, zipped({f"My book/{name}": content for name, content in ENTRIES.items()}))) == 2


def test_a_chapter_that_is_missing_is_noted_and_the_others_are_read():
    notes = Notes()
    entries = {name: content for name, content in ENTRIES.items() if "two" not in name}
    assert len(texts(FORMAT, zipped(entries), notes)) == 1
    ((where, reason),) = notes.left_out
    assert where == "OEBPS/text/two.xhtml" and "missing" in reason


ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>
<enc:CipherReference URI="{name}"/></enc:CipherData></enc:EncryptedData></encryption>"""


def test_a_locked_book_is_refused_and_one_with_locked_fonts_is_not():
    locked = {**ENTRIES, "META-INF/encryption.xml": ENCRYPTION.format(name="OEBPS/text/two.xhtml")}
    with pytest.raises(NotTextError, match="DRM"):
        texts(FORMAT, zipped(locked))
    fonts = {**ENTRIES, "META-INF/encryption.xml": ENCRYPTION.format(name="OEBPS/a.ttf")}
    assert len(texts(FORMAT, zipped(fonts))) == 2


def test_an_entry_that_unpacks_to_far_more_is_left_out():
    notes = Notes()
    bomb = chapter("<p>" + "a" * 3_000_000 + "</p>")
    assert len(texts(FORMAT, zipped({**ENTRIES, "OEBPS/text/two.xhtml": bomb}), notes)) == 1
    assert "unpack to 3.0 MB" in notes.left_out[0][1]


def test_entities_that_grow_are_not_expanded():
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><package>&b;</package>'
    with pytest.raises(NotTextError, match=r"damaged: OEBPS/book\.opf"):
        texts(FORMAT, zipped({**ENTRIES, "OEBPS/book.opf": bomb}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (zipped({"a.txt": "text"}), "no EPUB"),
        (zipped({**ENTRIES, "OEBPS/book.opf": "<package/>"}), "no chapters"),
        (zipped({**ENTRIES, "META-INF/container.xml": "<container/>"}), "names no book"),
        (zipped({**ENTRIES, "META-INF/container.xml": "no XML"}), "no XML"),
    ],
)
def test_what_is_no_book_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotTextError, match=reason):
        texts(FORMAT, content)


WHOLE = zipped(ENTRIES)


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end])))
def test_any_bytes_and_any_beginning_of_a_book_are_refused_with_a_reason(data):
    assert texts_or_reason(FORMAT, data)[1]


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_any_damage_gives_text_or_a_reason(place, damage):
    found, reason = texts_or_reason(FORMAT, WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    assert found or reason
