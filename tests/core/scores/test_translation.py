"""Translations: what sacrebleu says of them, for any of the records together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.scores.translation import bleu, bleu_counts, chrf, chrf_counts

ENGLISH = (
    ["The cat sat on the mat.", "Open the file, please", "", "There is no such thing as a free lunch ."],
    ["The cat is on the mat.", "Please open this file.", "Nothing to do", "There is no free lunch."],
)
CHINESE = (
    ["打开这个文件", "没有可用的更新。", "删除所有选中的 GNOME 项目"],
    ["打开该文件", "没有可用更新。", "删除所有选中的 GNOME 项目"],
)


@pytest.mark.parametrize(
    ("texts", "language", "tokenizer"),
    [
        (ENGLISH, "en", "13a"),
        (ENGLISH, "de_DE", "13a"),
        (CHINESE, "zh", "zh"),
        (CHINESE, "zh-TW", "zh"),
        (CHINESE, "ja", "char"),
    ],
)
def test_the_scores_are_those_of_sacrebleu(texts, language, tokenizer):
    import sacrebleu

    translations, references = texts
    counts = bleu_counts(translations, references, [language] * len(translations))
    expected = sacrebleu.corpus_bleu(translations, [references], tokenize=tokenizer).score
    assert 100 * bleu(counts) == pytest.approx(expected)
    expected = sacrebleu.corpus_chrf(translations, [references]).score
    assert 100 * chrf(chrf_counts(translations, references)) == pytest.approx(expected)


def test_any_records_are_scored_together():
    translations, references = ENGLISH
    some = np.array([0, 1, 1])
    chosen = [[texts[number] for number in some] for texts in ENGLISH]
    assert chrf(chrf_counts(translations, references)[some]) == pytest.approx(chrf(chrf_counts(*chosen)))
    languages = ["en"] * 4
    assert bleu(bleu_counts(translations, references, languages)[some]) == bleu(bleu_counts(*chosen, ["en"] * 3))


def test_a_language_has_its_own_words():
    both = bleu_counts(["打开文件夹"] * 2, ["打开文件夹"] * 2, ["zh", "en"])
    assert both[:, 0].tolist() == [5, 1]


TEXTS = st.lists(st.text("ab c.西瓜%", max_size=20), min_size=1, max_size=4)


@settings(max_examples=50)
@given(TEXTS, st.data())
def test_a_score_is_a_share(references, data):
    translations = [data.draw(st.text("ab c.西瓜%", max_size=20)) for _text in references]
    for language in ("en", "zh"):
        assert 0 <= bleu(bleu_counts(translations, references, [language] * len(references))) <= 1
    assert 0 <= chrf(chrf_counts(translations, references)) <= 1


@given(TEXTS.filter(lambda texts: any(map(str.strip, texts))))
@settings(max_examples=50)
def test_the_same_text_gets_1_and_none_gets_0(texts):
    languages = ["en"] * len(texts)
    assert bleu(bleu_counts(texts, texts, languages)) == pytest.approx(1)
    assert chrf(chrf_counts(texts, texts)) == pytest.approx(1)
    empty = [""] * len(texts)
    assert bleu(bleu_counts(empty, texts, languages)) == chrf(chrf_counts(empty, texts)) == 0
