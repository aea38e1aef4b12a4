"""A dictionary learnt from translations."""

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.scores.dictionary import Dictionary
from newleaf.core.scores.segments import Segments

VERBS = {"open": "打开", "delete": "删除", "save": "保存", "copy": "复制"}
NOUNS = {"file": "文件", "image": "图像", "window": "窗口", "page": "页面"}
PAIRS = [(f"{verb} the {noun}", VERBS[verb] + NOUNS[noun]) for verb, noun in itertools.product(VERBS, NOUNS)]


def test_words_are_learnt_from_their_company():
    words = {"maison": "house", "bleue": "blue", "fleur": "flower", "grande": "big"}
    pairs = [
        (f"la {noun} {kind}", f"the {words[kind]} {words[noun]}")
        for noun in ("maison", "fleur")
        for kind in ("bleue", "grande")
    ]
    learnt = Dictionary.learn(pairs)
    assert learnt.entries == {"la": "the", **words}
    assert learnt.translate("La fleur, bleue") == "the flower, blue"


def test_chinese_words_are_found_where_there_is_enough_text():
    pairs = PAIRS * 40
    learnt = Dictionary.learn(pairs)
    assert {word: learnt.entries[word] for word in VERBS | NOUNS} == VERBS | NOUNS
    back = Dictionary.learn([(target, source) for source, target in pairs])
    assert back.translate("保存图像。") == "save image。"


def test_of_little_text_each_character_is_a_word():
    assert Segments.learn(["打开文件"]).cut("文件") == ["文", "件"]


def test_names_numbers_and_directives_are_copied():
    learnt = Dictionary.learn(PAIRS * 40)
    assert (
        learnt.translate("open 3D image of Xyzzy 12.5 %s {name} %(count)d")
        == "打开3D图像of Xyzzy 12.5 %s {name} %(count)d"
    )


def test_an_address_within_chinese_is_copied_alone():
    back = Dictionary.learn([(target, source) for source, target in PAIRS * 40])
    assert back.translate("打开http://localhost/x页面") == "open http://localhost/x page"


def test_the_same_pairs_give_the_same_dictionary():
    assert Dictionary.learn(PAIRS * 40).entries == Dictionary.learn(iter(PAIRS * 40)).entries


@pytest.mark.parametrize("pairs", [[], [("", "")], [("word", "")], [("", "字")], [("%s", "%d")]])
def test_nothing_to_learn_from(pairs):
    assert Dictionary.learn(pairs).translate("word 字 %s") == "word字%s"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5), st.text(max_size=30))
def test_any_text_will_do(pairs, text):
    assert isinstance(Dictionary.learn(pairs).translate(text), str)


def test_thousands_of_pairs_are_quick():
    chance = random.Random(1)
    words = [f"w{letter}{other}" for letter, other in itertools.product("abcdefghij", repeat=2)]
    pairs = []
    for _pair in range(5000):
        some = chance.choices(words, k=8)
        pairs.append((" ".join(some), " ".join(word.upper() for word in some)))
    begin = time.perf_counter()
    learnt = Dictionary.learn(pairs)
    assert time.perf_counter() - begin < 10  # half a second on a machine that does nothing else
    assert learnt.entries == {word: word.upper() for word in words}
