"""Dumps of MediaWiki: articles as their readers see them."""

import bz2
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers import mediawiki
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions
from newleaf.core.corpus.readers.mediawiki import FORMAT
from newleaf.core.corpus.readers.wikitext import plain_text

from .reading_aids import texts, texts_or_reason

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en"><siteinfo>
<namespaces><namespace key="0"/><namespace key="6">Dosiero</namespace><namespace key="14">Kategorio</namespace>
</namespaces></siteinfo>
"""


def page(title, text, namespace=0, inside="", model="wikitext"):
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns>{inside}<revision><model>{model}</model>"
        f'<text xml:space="preserve">{text}</text></revision></page>\n'
    )


def dump(*pages):
    return (HEAD + "".join(pages) + "</mediawiki>").encode()


def test_only_articles_are_read():
    data = dump(
        page("Heron", "A '''heron''' is a bird."),
        page("Talk:Heron", "I like it.", namespace=1),
        page("Egret", "#REDIRECT [[Heron]]", inside='<redirect title="Heron"/>'),
        page("Data", "{}", model="json"),
        page("Empty", ""),
        page("Stork", "Another bird."),
    )
    assert texts(FORMAT, data) == ["Heron\n\nA heron is a bird.", "Stork\n\nAnother bird."]


def test_of_a_page_with_its_history_the_newest_text_is_taken():
    old = "<revision><model>wikitext</model><text>Old.</text></revision>" * 3
    assert texts(FORMAT, dump(page("Heron", "New.", inside=old), page("Stork", "Bird."))) == [
        "Heron\n\nNew.",
        "Stork\n\nBird.",
    ]


def test_the_wikis_own_words_for_pictures_and_categories_are_known():
    data = dump(page("Heron", "[[Dosiero:A.jpg|thumb|A [[bird]]]]A bird.[[Kategorio:Birds]]"))
    assert texts(FORMAT, data) == ["Heron\n\nA bird."]


def test_a_dump_that_breaks_off_gives_its_articles_so_far_and_says_so(monkeypatch):
    monkeypatch.setattr(mediawiki, "PIECE", 100)
    data = dump(page("Heron", "A bird. " * 50), page("Stork", "Another bird. " * 50))
    notes = Notes()
    assert [text.split("\n")[0] for text in texts(FORMAT, data[:-300], notes)] == ["Heron"]
    assert notes.left_out[0][0] == "the end" and "breaks off" in notes.left_out[0][1]


def test_a_dump_that_is_damaged_gives_its_articles_before_the_damage():
    data = dump(page("Heron", "A bird."), page("Stork", "Another bird."), page("Egret", "A third."))
    notes = Notes()
    found = texts(FORMAT, data.replace(b"<title>Egret", b"<title<Egret"), notes)
    assert [text.split("\n")[0] for text in found] == ["Heron", "Stork"] and notes.left_out


def test_a_packed_dump_that_breaks_off_gives_its_articles_so_far():
    random_words = random.Random(0).sample(range(10**9), 20_000)
    packed = bz2.compress(dump(page("Heron", "A bird."), page("Stork", f"{random_words}")), 1)
    notes = Notes()
    opened = bz2.BZ2File(io.BytesIO(packed[: len(packed) * 3 // 4]))
    payloads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mediawiki, "PIECE", 1000)
        payloads += FORMAT.read(opened, notes, ReadOptions())
    assert [article.title for article in payloads] == ["Heron"] and notes.left_out[0][0] == "the end"


def test_what_is_read_piece_by_piece_is_the_same(monkeypatch):
    data = dump(*[page(f"Bird {number}", f"The bird of [[number]] {number}. " * 30) for number in range(30)])
    whole = texts(FORMAT, data)
    monkeypatch.setattr(mediawiki, "PIECE", 777)
    assert texts(FORMAT, data) == whole and len(whole) == 30


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html><body>text</body></html>", "no dump of MediaWiki"),
        (random.Random(0).randbytes(3000), "no dump of MediaWiki"),
        (b"<mediawiki>", "breaks off"),
        (b"<mediawiki></mediawiki>", "no articles"),
        (b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><mediawiki>&b;</mediawiki>', "no dump of MediaWiki"),
        (b'<!-- <mediawiki> --><!DOCTYPE m [<!ENTITY a "aa">]><mediawiki>&a;</mediawiki>', "no dump of MediaWiki"),
    ],
)
def test_what_is_no_dump_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotTextError, match=reason):
        texts(FORMAT, content)


WHOLE = dump(page("Heron", "A '''heron''' is a [[bird]]."), page("Stork", "Another."))


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end])))
def test_any_bytes_and_any_beginning_of_a_dump_give_text_or_a_reason(data):
    assert texts_or_reason(FORMAT, data)[1]


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''A''' ''b'' '''''c''''' d'''s''' l''''une'''", "A b c ds l'une"),
        ("[[Heron]]s and [[Ardea (bird)|egrets]], [[Stork (bird)|]]", "Herons and egrets, Stork"),
        ("[[File:A.jpg|thumb|A [[heron]] in [[water|the water]]]]Text.", "Text."),
        ("Text.\n[[Category:Birds]]\n[[de:Reiher]]\n[[zh-min-nan:Reiher]]", "Text."),
        ("See [[:Category:Birds]] and [[wikt:heron|heron]].", "See Category:Birds and heron."),
        ("[https://a.org/b The site] and [https://a.org] https://b.org", "The site and https://b.org"),
        ("It was{{Citation needed|date=May}} so.<ref>A book, p. {{page|1}}</ref>", "It was so."),
        ("Heron ({{IPAc-en|h}}; {{lang-la|Ardea}}) is", "Heron (Ardea) is"),
        ("Heron ({{IPA|h}}) is", "Heron is"),
        ("f(x) and f() are", "f(x) and f() are"),
        ("{{Infobox bird\n| name = Heron\n| image = {{Photo|a=[[File:X|b]]}}\n}}\nText.", "Text."),
        ("{{convert|5|km|mi}} and {{convert|5|to|10|kg}}", "5 km and 5 to 10 kg"),
        ("In {{lang|fr|''[[mot|mots]]''}} {{nowrap|a b}}", "In mots a b"),
        ("A<!-- b -->c <nowiki>[[d]] ''e''</nowiki> &amp; &lt;f&gt;", "Ac [[d]] ''e'' & <f>"),
        ("a<br />b <sub>2</sub><span style='x'>c</span>", "a\nb 2c"),
        ("The sum <math>\\frac{a}{{b}}</math> is", "The sum $\\frac{a}{{b}}$ is"),
        ("Do:\n<syntaxhighlight lang=py>\nif a:\n    b(\"''\")\n</syntaxhighlight>", "Do:\n\nif a:\n    b(\"''\")"),
        ("* one\n** two\n# three\n: four\n; five", "- one\n  - two\n- three\nfour\nfive"),
        ("Text.\n== Life ==\nIt lives.\n=== Food ===\nFish.", "Text.\n\nLife\n\nIt lives.\n\nFood\n\nFish."),
        (
            "Text.\n== See also ==\n* {{link|a}}\n== References ==\n{{R}}\n== Far ==\n=== Near ===\n[[File:a]]",
            "Text.",
        ),
        ("== Above ==\n=== Empty ===\n{{a}}\n=== Full ===\nText.", "Above\n\nFull\n\nText."),
        ("__NOTOC__Text.\n----\nMore.<gallery>\nFile:A.jpg|b\n</gallery>", "Text.\n\nMore."),
        (
            'A:\n{| class="wikitable"\n|+ Boats\n! Boat !! Size\n|-\n| style="x" | [[A|B]] || 9 m<ref>b</ref>\n|}\nB.',
            "A:\n\nBoats\n\nBoat\tSize\nB\t9 m\n\nB.",
        ),
        ('{| class="infobox"\n| a\n{|\n| b\n|}\n|}\nText.', "Text."),
        ("-{zh-hans:计算机; zh-hant:電腦;}-是-{好}-的-{H|zh-hans:a;zh-hant:b}-", "计算机是好的"),
        ("'''苍鹭'''（{{lang|la|Ardea cinerea}}），又名{{tsl|en|Heron|鹭}}。", "苍鹭（Ardea cinerea），又名鹭。"),
        ("苍鹭（{{IPA|h}}）是鸟。", "苍鹭是鸟。"),
        ("{{unclosed [[link", "{{unclosed link"),
        ("{{#if:a|b}}", ""),
    ],
)
def test_wikitext_is_what_a_reader_sees(wikitext, text):
    assert plain_text(wikitext) == text


PIECES = [
    "{{",
    "}}",
    "[[",
    "]]",
    "{|",
    "|}",
    "|-",
    "|",
    "<ref>",
    "</ref>",
    "<!--",
    "-->",
    "\n",
    "== ",
    "''",
    "-{",
    "}-",
    "*",
    "a",
    "[http://b ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_wikitext_is_a_text(parts):
    assert isinstance(plain_text("".join(parts)), str)


@pytest.mark.parametrize(
    "part", ["{{a|", "[[", "<ref>", "<nowiki>", "-{", "{|\n|", "[http://", "''", " ", "(", "\n", "|", "{{lang|b|[[c|"]
)
def test_markup_without_end_takes_no_more_time_than_its_length(part):
    """A pass whose time grows with the square of the length would take hours."""
    assert isinstance(plain_text(part * (400_000 // len(part))), str)


def test_a_real_dump_leaves_no_markup(real_text):
    data = bz2.decompress(
        real_text("enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2").read_bytes()
    )
    found = texts(FORMAT, data)
    assert len(found) > 100
    assert not any(mark in text for text in found for mark in ("[[", "]]", "<ref", "{|", "'''"))
