"""Near duplicates: what is much alike is found, in every language and at every length, and nothing else."""

import gzip
import os
import random
import re
import subprocess
import sys
import unicodedata
from bisect import bisect_left
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from newleaf.core.corpus import sketches
from newleaf.core.corpus.code_points import TOGETHER
from newleaf.core.corpus.near_duplicates import NearDuplicates
from newleaf.core.corpus.sketches import LONG, ROWS, SIZE, sketch
from newleaf.core.progress import Cancelled


def is_space(letter):
    category = unicodedata.category(letter)
    return category[0] in "PZ" or category in ("Cc", "Cf")


def grams(text):
    """The set of which a sketch is made, in plain Python."""
    folded = "".join(" " if is_space(letter) else letter.lower() for letter in text)
    folded = re.sub(" +", " ", folded).strip() + " "
    return {folded[begin : begin + 5] for begin in range(max(1, len(folded) - 4))}


def jaccard(one, two):
    one, two = grams(one), grams(two)
    return len(one & two) / len(one | two)


def estimate(one, two):
    one, two = sketch([one, two])
    return float((one == two).mean())


def edited(text, similarity, chance):
    """`text` with as many of its letters replaced as it bears without falling below this similarity."""
    alphabet = sorted({letter for letter in text if letter.isalpha()})
    places = chance.sample(range(len(text)), len(text))
    letters = chance.choices(alphabet, k=len(text))

    def replaced(count):
        result = list(text)
        for place in places[:count]:
            result[place] = letters[place]
        return "".join(result)

    return replaced(
        bisect_left(range(len(text)), True, key=lambda count: jaccard(text, replaced(count + 1)) < similarity)
    )


def groups(texts, folder, similarity=0.7):
    found = NearDuplicates(folder, similarity)
    found.add(sketch(texts))
    return found.representatives()


def as_sets(representatives, numbers=None):
    """The groups as sets of the documents' names, which are their numbers unless others are given."""
    members = {}
    for place, first in enumerate(representatives.tolist()):
        members.setdefault(first, set()).add(place if numbers is None else numbers[place])
    return {frozenset(group) for group in members.values()}


@pytest.fixture
def english(real_text):
    """Passages of 100 to 3,000 characters."""
    text, chance = real_text("kjv.txt").read_text(encoding="utf-8"), random.Random(1)
    begins = sorted(chance.sample(range(0, len(text) - 5000, 3500), 400))
    return [text[begin : begin + chance.choice((100, 300, 1000, 3000))] for begin in begins]


@pytest.fixture
def chinese(real_text):
    """Short poems: 20 to 60 characters."""
    with gzip.open(real_text("tang-poems.txt.gz"), "rt", encoding="utf-8") as file:
        poems = {poem.split("\n", 2)[-1] for poem in file.read(3_000_000).split("\n\n")}
    return random.Random(2).sample(sorted(poem for poem in poems if 40 <= len(poem) <= 80), 1000)


@pytest.mark.parametrize("similarity", [0.8, pytest.param(0.9, marks=pytest.mark.long)])
@pytest.mark.parametrize("language", ["english", "chinese"])
def test_planted_near_duplicates_are_found_and_little_else(language, similarity, request, tmp_path):
    originals, chance = request.getfixturevalue(language), random.Random(3)
    texts = originals + [edited(text, similarity, chance) for text in originals]
    count = len(originals)
    found = groups(texts, tmp_path)
    recall = np.mean(found[count:] == found[:count])
    pairs = [(number, first) for number, first in enumerate(found.tolist()) if number != first]
    right = [number - first == count or jaccard(texts[number], texts[first]) >= 0.7 for number, first in pairs]
    assert recall >= 0.95
    assert np.mean(right) >= 0.95


@pytest.mark.long
def test_what_is_merely_similar_is_not_found(english, tmp_path):
    chance = random.Random(4)
    texts = english + [edited(text, 0.5, chance) for text in english if len(text) >= 300]
    assert (groups(texts, tmp_path) == np.arange(len(texts))).mean() >= 0.995


@pytest.mark.long
def test_a_higher_similarity_finds_only_what_is_more_alike(english, tmp_path):
    chance, count = random.Random(5), len(english)
    texts = english + [edited(text, 0.75, chance) for text in english]
    assert (groups(texts, tmp_path / "low", 0.6)[count:] < count).mean() > 0.9
    assert (groups(texts, tmp_path / "high", 0.95)[count:] < count).mean() < 0.05


def _sentences(count, seed):
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(2000)]
    return [" ".join(chance.choices(words, k=chance.randint(8, 60))) for _ in range(count)]


def _with_relatives(count, seed):
    """Texts, and near duplicates of some of them at all degrees of similarity, several of one text too."""
    chance = random.Random(seed)
    texts = _sentences(count, seed)
    return texts + [
        edited(text, chance.uniform(0.5, 0.95), chance)
        for text in texts[: count // 3]
        for _ in range(chance.randint(0, 4))
    ]


def test_the_first_of_a_group_stands_for_it(tmp_path):
    one, two, three = _sentences(3, 0)
    assert groups([one, two, one + " more", three, two, one], tmp_path).tolist() == [0, 1, 0, 3, 1, 0]


def test_the_order_of_the_documents_does_not_matter(tmp_path):
    texts = _with_relatives(150, 6)
    expected = as_sets(groups(texts, tmp_path / "first"))
    assert 100 < len(expected) < len(texts)
    for seed in range(3):
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        found = groups([texts[number] for number in order], tmp_path / str(seed))
        assert as_sets(found, order) == expected
        assert (found <= np.arange(len(texts))).all()


def test_batches_do_not_matter(tmp_path):
    texts = ["", "a", *_with_relatives(100, 7), "word " * TOGETHER, "。"]
    whole = sketch(texts)
    assert np.array_equal(whole, np.concatenate([sketch([text]) for text in texts]))
    found = NearDuplicates(tmp_path / "pieces")
    for begin in range(0, len(texts), 17):
        found.add(whole[begin : begin + 17])
    found.add(sketch([]))
    assert found.documents == len(texts)
    assert np.array_equal(found.representatives(), groups(texts, tmp_path / "whole"))


def test_a_chain_of_near_duplicates_is_one_group(tmp_path):
    chance = random.Random(8)
    chain = [" ".join(_sentences(10, 8))]
    for _ in range(4):
        chain.append(edited(chain[-1], 0.85, chance))
    assert jaccard(chain[0], chain[4]) < 0.6
    assert groups([chain[0], chain[4]], tmp_path / "ends").tolist() == [0, 1]
    assert groups([chain[number] for number in (0, 4, 2, 1, 3)], tmp_path / "all").tolist() == [0] * 5


def test_tens_of_thousands_of_copies_are_one_group(tmp_path):
    text, *others = _sentences(2000, 9)
    sketches = np.concatenate([np.repeat(sketch([text]), 60_000, axis=0), sketch(others), sketch([text] * 5)])
    found = NearDuplicates(tmp_path)
    found.add(sketches)
    expected = np.concatenate([np.zeros(60_000), np.arange(60_000, 61_999), np.zeros(5)])
    assert np.array_equal(found.representatives(), expected)


@pytest.mark.parametrize("strangers", [0, 1, 20])
def test_all_pairs_of_a_bucket_are_compared(strangers, tmp_path):
    """Two that are alike but agree in one band only, in which strangers agree with both."""
    chance = np.random.default_rng(strangers)
    for number in range(5):
        sketches = chance.integers(0, 1 << 31, (strangers + 2, SIZE), dtype=np.uint32)
        alike = np.where(np.arange(SIZE) % ROWS == 0, sketches[-1], sketches[-2])
        sketches[-1] = alike
        sketches[:, :ROWS] = sketches[0, :ROWS]
        found = NearDuplicates(tmp_path / str(number))
        found.add(sketches)
        assert found.representatives().tolist() == [*range(strangers + 1), strangers]


def test_groups_in_one_large_bucket_are_told_apart(tmp_path):
    """Forms filled in by many: each has more in common with all others than one band, and is like its copies only."""
    chance = np.random.default_rng(10)
    form = chance.integers(0, 1 << 31, SIZE, dtype=np.uint32)
    kinds = np.where(np.arange(SIZE) < SIZE // 2, form, chance.integers(0, 1 << 31, (20, SIZE), dtype=np.uint32))
    kind = np.concatenate([np.arange(20), chance.integers(0, 20, 5000)])
    sketches = np.where(chance.random((len(kind), SIZE)) < 0.02, chance.integers(0, 1 << 31), kinds[kind])
    found = NearDuplicates(tmp_path)
    found.add(sketches.astype(np.uint32))
    assert np.array_equal(found.representatives(), kind)


def test_the_order_of_the_documents_does_not_matter_in_large_buckets_either(tmp_path):
    """A crowd around one text, of whom few are like each other, too many for all to be compared in each bucket."""
    chance = np.random.default_rng(14)
    others = chance.integers(0, 1 << 31, (600, SIZE), dtype=np.uint32)
    sketches = np.where(chance.random((600, SIZE)) < 0.85, chance.integers(0, 1 << 31, SIZE, dtype=np.uint32), others)
    partitions = set()
    for number in range(4):
        order = chance.permutation(600)
        found = NearDuplicates(tmp_path / str(number), similarity=0.81)
        found.add(sketches[order])
        partitions.add(frozenset(as_sets(found.representatives(), order.tolist())))
    assert len(partitions) == 1
    assert 200 < len(partitions.pop()) < 550


def test_what_is_left_out_is_in_no_group(tmp_path):
    found = NearDuplicates(tmp_path)
    found.add(sketch(["one and the same text"] * 5 + ["another text altogether"] * 2))
    left_out = np.array([True, False, True, False, False, False, True])
    assert found.representatives(left_out=left_out).tolist() == [0, 1, 2, 1, 1, 5, 6]


def test_empty_and_tiny_texts(tmp_path):
    texts = ["", "a", "A ", "ab", "", "。", "...", "。", "日", "日！", "\ud800", "a b", "\0"]
    assert groups(texts, tmp_path).tolist() == [0, 1, 1, 3, 0, 5, 6, 5, 8, 8, 10, 11, 12]


def test_no_documents_and_one(tmp_path):
    assert sketch([]).shape == (0, SIZE)
    assert groups([], tmp_path / "none").tolist() == []
    assert groups(["alone"], tmp_path / "one").tolist() == [0]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The Quick, brown fox", "the quick\n  brown -- fox!"),
        ("ÉTÉ À LA MER", "été à la mer"),
        ("床前明月光，疑是地上霜。", "床前明月光,\n疑是地上霜.\n"),
        ("ＡＢＣ　１２３，ｄｅｆ", "abc 123 DEF"),
    ],
)
def test_case_width_punctuation_and_white_space_make_no_difference(one, two):
    assert np.array_equal(*sketch([one, two]))


@pytest.mark.parametrize(
    ("one", "two"), [("x = a + b", "x = a < b"), ("so good 👍", "so good 👎"), ("two words", "twowords")]
)
def test_signs_and_the_limits_of_words_do(one, two):
    assert estimate(one, two) < 0.9


@settings(derandomize=True, max_examples=300)
@given(
    before=st.text(st.sampled_from("abc de明月.\n"), max_size=300),
    same=st.text(st.characters(max_codepoint=0x1FFFF), max_size=400),
    after=st.text(st.sampled_from("fgh ij光霜"), max_size=300),
)
@example(before="", same="", after="")
@example(before="a", same="the same words in both", after="")
def test_sketches_agree_as_much_as_the_sets_do(before, same, after):
    one, two = before + same, same + after
    folded = [unicodedata.normalize("NFKC", letter) for letter in same]
    assume(all(len(letter.lower()) == 1 for letter in folded) and list(same) == folded)
    assume(not all(map(is_space, same)))
    exact = jaccard(one, two)
    assert abs(estimate(one, two) - exact) <= 4 * sqrt(exact * (1 - exact) / SIZE) + 1 / SIZE


@pytest.mark.parametrize("length", [1, 2, 5, 30, 500])  # words
def test_the_estimate_leans_to_no_side_at_any_length(length):
    chance = random.Random(length)
    words = [sentence.split()[0] for sentence in _sentences(500, 11)]
    pairs = []
    for _ in range(600):
        common = " ".join(chance.choices(words, k=length))
        pairs.append((common, common + " " + " ".join(chance.choices(words, k=chance.randint(1, length)))))
    ones, twos = sketch([one for one, _ in pairs]), sketch([two for _, two in pairs])
    exact = np.array([jaccard(*pair) for pair in pairs])
    differences = (ones == twos).mean(axis=1) - exact
    assert abs(differences.mean()) < 4 * differences.std() / sqrt(len(pairs))
    assert differences.std() < 1.1 * sqrt((exact * (1 - exact)).mean() / SIZE)


def test_a_text_of_millions_of_characters_is_compared_like_others():
    one, two = "".join(_sentences(1500, 15)), "".join(_sentences(1500, 16))
    short = "the same again, " * 70_000
    for pair in ((short + one, short + two), (short + one, one)):
        exact = jaccard(*pair)
        assert max(map(len, pair)) > LONG
        assert abs(estimate(*pair) - exact) <= 4 * sqrt(exact * (1 - exact) / SIZE) + 1 / SIZE


def test_every_process_makes_the_same_sketches():
    program = (
        "import sys, hashlib; from newleaf.core.corpus.sketches import sketch;"
        "sys.stdout.write(hashlib.sha256(sketch(['One text, 兩個', '', 'ab', '!', 'x' * 9999]).tobytes()).hexdigest())"
    )
    root = os.pathsep.join([str(Path(sys.modules["newleaf"].__file__).parent.parent), *sys.path])
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_it_says_how_far_it_is_and_stops_when_nobody_waits(tmp_path):
    found = NearDuplicates(tmp_path)
    found.add(sketch(_sentences(50, 12)))
    reported = []
    found.representatives(lambda done, total, message="", **_: reported.append(done / total))
    assert reported == sorted(reported) and reported[0] == 0 and reported[-1] == 1

    def nobody(done, total, message="", **_):
        raise Cancelled

    with pytest.raises(Cancelled):
        found.representatives(nobody)


def test_documents_may_be_added_after_the_groups_were_asked_for(tmp_path):
    one, two = _sentences(2, 13)
    found = NearDuplicates(tmp_path)
    found.add(sketch([one, two]))
    assert found.representatives().tolist() == [0, 1]
    found.add(sketch([two]))
    assert found.representatives().tolist() == [0, 1, 1]


@pytest.mark.skipif(sketches.library() is None, reason="there was no C compiler when newleaf was installed")
@given(texts=st.lists(st.text(max_size=80) | st.text("ab \u3000,。好Ａ", max_size=400), min_size=1, max_size=8))
@example(texts=["", "...", "a", "好", "\U0001f600 x", "word " * 900])
@settings(max_examples=200)
def test_c_and_numpy_make_the_same_sketches(texts):
    fast = sketch(texts)
    slow = sketches._sketch(texts)
    assert (fast == slow).all()
