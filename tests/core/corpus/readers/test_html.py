"""Web pages: the text that a person would have copied, and nothing around it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers.base import Notes, NotTextError
from newleaf.core.corpus.readers.html import FORMAT

from .reading_aids import texts, texts_or_reason

PARAGRAPHS = [
    "The heron stood in the shallow water for most of the morning, and nothing that passed on the bank disturbed it.",
    "Towards noon the wind turned, the reeds began to move, and the first boats came down from the lock in a long row.",
    "Nobody who lived by the river had seen so many of them since the year in which the mill was closed for good.",
]
ARTICLE = f"""<!DOCTYPE html><html><head><title>The heron | River News</title><meta charset="utf-8">
<style>p {{ color: red }}</style></head><body>
<header><a href="/">River News</a></header>
<nav><ul><li><a href="/a">Weather</a></li><li><a href="/b">Sport</a></li></ul></nav>
<div id="cookie-banner">We use cookies to improve your visit. <button>Accept</button></div>
<main><article><h1>The heron</h1>
<p>{PARAGRAPHS[0]}</p>
<h2>At noon</h2>
<p>{PARAGRAPHS[1]}<!-- a secret --></p>
<ul><li>One boat was <b>red</b></li><li>Another was blue</li></ul>
<table><tr><th>Boat</th><th>Length</th></tr><tr><td>Anna</td><td>12 m</td></tr></table>
<pre>def row():
    return 'boats'
</pre>
<p>{PARAGRAPHS[2]}</p>
</article></main>
<section id="comments"><h3>Comments</h3><p>First! I was there on the day and I saw none of it, you are all dreaming.</p>
</section>
<footer>Copyright River News, all rights reserved. Imprint and privacy.</footer>
<script>var tracking = 'on';</script></body></html>"""


def test_an_article_keeps_its_text_headings_lists_tables_and_code_and_loses_what_is_around_it():
    (text,) = texts(FORMAT, ARTICLE.encode())
    assert text == "\n\n".join(
        [
            "The heron",
            PARAGRAPHS[0],
            "At noon",
            PARAGRAPHS[1],
            "- One boat was red\n- Another was blue",
            "Boat\tLength\nAnna\t12 m",
            "def row():\n    return 'boats'",
            PARAGRAPHS[2],
        ]
    )


def test_the_title_comes_first_where_the_text_does_not_begin_with_it():
    page = f"<html><head><title>Of Herons</title></head><body><p>{'</p><p>'.join(PARAGRAPHS)}</p></body></html>"
    assert texts(FORMAT, page.encode()) == ["\n\n".join(["Of Herons", *PARAGRAPHS])]


def test_a_page_without_an_article_gives_all_that_can_be_seen():
    page = "<html><body><div>Tide <span hidden>secret</span>tables</div><div>High at noon</div></body></html>"
    assert texts(FORMAT, page.encode()) == ["Tide tables\n\nHigh at noon"]


def test_a_list_within_a_list_and_numbers_are_kept():
    inner = f"<ul><li>{PARAGRAPHS[1]}</li></ul>"
    page = f"<body><p>{PARAGRAPHS[2]}</p><ol start=3><li><p>{PARAGRAPHS[0]}</p>{inner}</li><li>Last</li></ol></body>"
    assert texts(FORMAT, page.encode()) == [f"{PARAGRAPHS[2]}\n\n3. {PARAGRAPHS[0]}\n  - {PARAGRAPHS[1]}\n4. Last"]


def test_a_line_end_between_chinese_characters_is_no_space():
    page = f"<html><body><p>{'白日依山尽，黄河入海流。' * 5}\n{'欲穷千里目，更上一层楼。' * 5}</p></body></html>"
    assert texts(FORMAT, page.encode()) == ["白日依山尽，黄河入海流。" * 5 + "欲穷千里目，更上一层楼。" * 5]


@pytest.mark.parametrize(
    ("declared", "encoding", "known_as"),
    [
        ("gb2312", "gb18030", "gb18030"),
        ("GBK", "gb18030", "gb18030"),
        ("big5", "big5", "big5hkscs"),
        ("utf-8", "utf-8", "utf-8"),
        ("iso-8859-1", "utf-8", "utf-8"),  # what the page says is not true
        ("utf-8", "gb18030", "gb18030"),
        ("x-unheard-of", "utf-8", "utf-8"),
        ("punycode", "utf-8", "utf-8"),
    ],
)
def test_the_encoding_is_what_the_page_says_if_that_is_true(declared, encoding, known_as):
    verse = "白日依山盡，黃河入海流，欲窮千里目，更上一層樓。" * 8
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={declared}"></head><p>{verse}</p>'
    notes = Notes()
    assert texts(FORMAT, page.encode(encoding), notes) == [verse]
    assert notes.encoding == known_as and notes.unreadable == 0


def test_western_letters_of_a_page_that_says_latin_1_are_those_of_windows():
    page = f'<meta charset="iso-8859-1"><p>{PARAGRAPHS[0]} “Ça va”, dit-elle – déjà.</p>'
    assert texts(FORMAT, page.encode("cp1252")) == [f"{PARAGRAPHS[0]} “Ça va”, dit-elle – déjà."]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_more_than_the_page(encoding):
    page = f'<html><head><meta charset="iso-8859-1"></head><body><p>{PARAGRAPHS[0]} Déjà vu.</p></body></html>'
    assert texts(FORMAT, page.encode(encoding)) == [f"{PARAGRAPHS[0]} Déjà vu."]


def test_xhtml_with_a_declaration_is_read():
    page = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{PARAGRAPHS[0]}'
    )
    assert texts(FORMAT, page.encode()) == [PARAGRAPHS[0]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (bytes(1000), "not text"),
        (random.Random(0).randbytes(5000), "not text"),
        (b"<html><body><img src='a.png'><script>var x</script></body></html>", "no text"),
    ],
)
def test_what_has_no_text_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotTextError, match=reason):
        texts(FORMAT, content)


def test_a_page_that_breaks_off_gives_what_is_there():
    page = ARTICLE[: ARTICLE.index("<h2>") + 40]
    (text,) = texts(FORMAT, page.encode())
    assert text.startswith(f"The heron\n\n{PARAGRAPHS[0]}")


def test_elements_without_end_are_no_trap():
    page = "<div>" * 20_000 + PARAGRAPHS[0]
    texts_or_reason(FORMAT, page.encode())


@given(st.one_of(st.binary(max_size=300), st.integers(0, len(ARTICLE)).map(lambda end: ARTICLE[:end].encode())))
def test_any_bytes_give_text_or_a_reason(data):
    found, reason = texts_or_reason(FORMAT, data)
    assert found or reason
