"""Quality: poor texts are left out with a reason, and prose and verse stay."""

import gzip
import re
from itertools import pairwise

import pytest

from newleaf.core.corpus.cleaning.dropped import REASONS, Dropped, reason_text
from newleaf.core.corpus.cleaning.quality import judge_quality

ENGLISH = (
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
    "wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this "
    "truth is so well fixed in the minds of the surrounding families, that he is considered as the rightful property "
    "of some one or other of their daughters."
)
GERMAN = (
    "Jemand musste Josef K. verleumdet haben, denn ohne dass er etwas Böses getan hätte, wurde er eines Morgens "
    "verhaftet. Die Köchin der Frau Grubach, seiner Zimmervermieterin, die ihm jeden Tag gegen acht Uhr früh das "
    "Frühstück brachte, kam diesmal nicht. Das war noch niemals geschehen. K. wartete noch ein Weilchen, sah von "
    "seinem Kopfkissen aus die alte Frau, die ihm gegenüber wohnte."
)
NOUNS = "apple river stone cloud tiger window garden silver forest candle market bridge shadow winter summer"
WORDS = NOUNS.split()


@pytest.mark.parametrize(
    "text",
    [
        ENGLISH,
        GERMAN,
        "白日依山尽，黄河入海流。",
        "鹅，鹅，鹅，\n曲项向天歌。\n白毛浮绿水，\n红掌拨清波。",
        "我们用 Python 3.11 写了一个程序，它读取 CSV 文件，然后画出图来。",
        "国境の長いトンネルを抜けると雪国であった。夜の底が白くなった。",
    ],
)
def test_prose_and_verse_stay(text):
    assert judge_quality(text) == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("too_short", "Only five words stand here."),
        ("too_short", "只有几个字"),
        ("word_length", "a b c d e f g h i j " * 6),
        ("word_length", "incomprehensibilities " * 60),
        ("few_letters", "12.00 ,,,, 34.50 word 56.10 78.99 !!! 9000 12.5 100 " * 6),
        ("few_letters", "１２３：甲乙丙丁……四五六七八九十（１２３４５６７８９０１２３４５６７８９０）"),
        ("symbols", " ".join(f"#{word} {number}th thing" for number, word in enumerate(WORDS * 3))),
        (
            "few_common_words",
            ". ".join(f"The {first} {second}" for first, second in pairwise(WORDS + WORDS[::2] + WORDS[::3])),
        ),
        ("repeated_phrases", ENGLISH + " " + "buy now and save a lot of money today with us " * 12),
        ("repeated_phrases", "哈哈哈哈哈哈哈哈哈哈哈哈"),
        ("repeated_phrases", "欢迎光临本店，全场商品一律八折优惠。" * 12),
        (
            "repeated_lines",
            "\n".join(
                [
                    *ENGLISH.split(". "),
                    *["A line that comes again and again and again."] * 1,
                    *["Click and see the offers of the day, " + WORDS[0]] * 4,
                ]
            ),
        ),
        ("bullets", "\n".join(f"- {line}" for line in re.split(r"(?<=[,.]) ", ENGLISH))),
        ("ellipses", "\n".join(f"{line}…" for line in re.split(r"(?<=[,.]) ", ENGLISH))),
        ("placeholder", ENGLISH + " Lorem ipsum dolor sit amet."),
    ],
)
def test_poor_texts_are_left_out_with_the_reason(reason, text):
    assert judge_quality(text) == Dropped(reason)


def test_every_reason_has_words():
    assert all(reason_text(reason) for reason in REASONS)
    assert reason_text("too_short") == "too short"


def share_dropped(texts):
    return sum(isinstance(judge_quality(text), Dropped) for text in texts) / len(texts)


def test_hardly_a_chapter_of_a_real_book_goes(real_text):
    chapters = re.split(r"\n(?=[1-9A-Z][\w ]+ \d+\n\n)", real_text("kjv.txt").read_text())
    assert len(chapters) == 1189 and share_dropped(chapters) < 0.01


def test_hardly_a_poem_goes(real_text):
    poems = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode().strip("\n").split("\n\n")
    assert share_dropped(poems[::4]) < 0.01
