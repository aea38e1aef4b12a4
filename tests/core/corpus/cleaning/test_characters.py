"""Characters: line ends, mojibake, what no one sees, composed characters."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.characters import fix_line_ends, remove_invisible, to_nfc
from newleaf.core.corpus.cleaning.mojibake import fix_mojibake


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb\rc\nd\u2028e\u2029f\x0bg\x0ch\x85i", "a\nb\nc\nd\ne\nf\ng\nh\ni"),
        ("a\r\r\nb", "a\n\nb"),
        ("甲\u2028乙", "甲\n乙"),
    ],
)
def test_line_ends(raw, cleaned):
    assert fix_line_ends(raw) == cleaned


CHINESE = "中文字符乱码测试，你好世界。"


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Itâ€™s a cafÃ©", "It’s a café"),
        (CHINESE.encode().decode("latin-1"), CHINESE),
        (CHINESE.encode("gb2312").decode("latin-1"), CHINESE),
        (f"abc {CHINESE.encode('gb2312').decode('cp1252')}", f"abc {CHINESE}"),
        ("Привет, мир".encode().decode("cp1251"), "Привет, мир"),
        ("“naïve”".encode().decode("macroman"), "“naïve”"),
        ("one line is wrong: cafÃ©\n另一行是对的：£5", "one line is wrong: café\n另一行是对的：£5"),
        ("It\x92s", "It’s"),
        ("Tom &amp; Jerry &mdash; caf&eacute; &#39;A&#39;", "Tom & Jerry — café 'A'"),
        ("R&amp;amp;D", "R&D"),
    ],
)
def test_mojibake_is_repaired(raw, cleaned):
    assert fix_mojibake(raw) == cleaned
    assert fix_mojibake(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Übergrößenträger, «déjà vu», señor, Ångström, ÀÉÈÙ",
        "床前明月光，疑是地上霜。",
        "Что? «Да» — сказал он…",
        "»»»»»»»»»» ························ °°°°°°°°°°",
        "In HTML, write &lt;b&gt; and &amp; like this.",
        "<p>Tom &amp; Jerry</p>",
        "an HTML entity, such as “&amp;”",
        "字符引用中的数字（如 &#234;）",
        "AT&T; &unknown; a && b; x &copy=1",
    ],
)
def test_what_is_no_mojibake_stays(text):
    assert fix_mojibake(text) == text


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\0b\x07c\ufeffd\x7fe\x1b[1m", "abcde[1m"),
        ("soft\u00adhyphen zero\u200bwidth joi\u200dner no\u200cjoiner", "softhyphen zerowidth joiner nojoiner"),
        ("a\u180eb", "ab"),
        ("left\u200e and \u202eright\u202c", "left and right"),
        ("icon \uf0b7, half \ud83d of a pair", "icon , half  of a pair"),
        ("tag\U000e0041", "tag"),
        ("\ue829身思狡兔", "㩳身思狡兔"),  # a place of GBK that Unicode has a character for today
        ("百靈瘠且\ue864", "百靈瘠且\u9fbb"),
    ],
)
def test_what_no_one_sees_goes(raw, cleaned):
    assert remove_invisible(raw) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "tab\tand\nline",
        "🦊👩‍👧 👩🏽‍💻 ❤️‍🔥 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "न्‍य  می‌خواهم",
        "שלום \u200fabc\u200e",
        "ᠬᠠᠷ\u180eᠠ",
        "ภาษา\u200bไทย",
        "葛\U000e0100",  # a variation selector: the form that a name is written in
    ],
)
def test_what_emoji_and_scripts_need_stays(text):
    assert remove_invisible(text) == text


@pytest.mark.parametrize(
    ("raw", "cleaned"), [("e\u0301 \u1100\u1161 \u212b", "é 가 Å"), ("ﬁ Ａ ①", "ﬁ Ａ ①"), ("plain", "plain")]
)
def test_characters_are_composed_and_what_looks_different_stays_different(raw, cleaned):
    assert to_nfc(raw) == cleaned


TRICKY = st.text() | st.text(st.sampled_from("Ãâ€™©ÖÐÎÄ&amp;#39<\u0301e\u200d\u200b\u200f👩א\ue829中\r\n\x85\x92"))


@pytest.mark.parametrize("step", [fix_line_ends, fix_mojibake, remove_invisible, to_nfc])
@given(text=TRICKY)
def test_a_second_time_changes_nothing(step, text):
    once = step(text)
    assert step(once) == once


def test_nothing_of_a_real_book_and_little_of_old_poems_is_mojibake(real_text):
    book = real_text("kjv.txt").read_text()
    poems = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode()
    assert fix_mojibake(book) is book and fix_mojibake(poems) is poems
