"""Languages: told apart without a download, kept or left out; Chinese in one script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.chinese import convert_chinese
from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.cleaning.dropped import Dropped
from newleaf.core.corpus.cleaning.language import keep_languages, language_of
from newleaf.core.corpus.cleaning.options import CleaningOptions

TEXTS = {
    "en": "In the beginning God created the heaven and the earth.",
    "de": "Am Anfang schuf Gott Himmel und Erde, und die Erde war wüst und leer.",
    "fr": "Au commencement, Dieu créa les cieux et la terre.",
    "ru": "В начале сотворил Бог небо и землю.",
    "zh": "白日依山尽，黄河入海流。",
    "ja": "国境の長いトンネルを抜けると雪国であった。",
    "ko": "태초에 하나님이 천지를 창조하시니라",
}


@pytest.mark.parametrize(("code", "text"), TEXTS.items())
def test_the_language_of_a_sentence(code, text):
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("zh", "漢皇重色思傾國，御宇多年求不得。"),
        ("zh", "优の良品"),
        ("zh", "我们用 Python 写程序，很方便"),
        ("en", "The word 你好 means hello in Chinese, as everybody knows."),
    ],
)
def test_mixed_and_old_texts(code, text):
    assert language_of(text) == code


@pytest.mark.parametrize("text", ["", "   \n", "1234 5678", "—…!?"])
def test_where_there_are_no_letters_there_is_no_language(text):
    assert language_of(text) == "und"


def test_only_the_languages_asked_for_are_kept():
    keep = keep_languages(CleaningOptions(languages=["en", "zh"]))
    assert [code for code, text in TEXTS.items() if keep(text) == text] == ["en", "zh"]
    assert keep(TEXTS["de"]) == Dropped("other_language")


def test_naming_a_language_turns_the_step_on():
    cleaner = Cleaner(CleaningOptions(clean="none", languages=["zh"]))
    assert cleaner.clean(TEXTS["en"]) is None and cleaner.clean(TEXTS["zh"]) == TEXTS["zh"]
    assert cleaner.tally.steps["languages"].dropped == {"other_language": 1}


SIMPLIFIED = convert_chinese(CleaningOptions(chinese="simplified"))
TRADITIONAL = convert_chinese(CleaningOptions(chinese="traditional"))


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("床前明月光，疑是地上霜。", "床前明月光，疑是地上霜。"),
        ("头发和发现", "頭髮和發現"),
        ("皇后在前，其后是车马", "皇后在前，其後是車馬"),
        ("他买了干燥的面包", "他買了乾燥的麪包"),
    ],
)
def test_chinese_is_converted_by_the_phrase(simplified, traditional):
    assert TRADITIONAL(simplified) == traditional
    assert SIMPLIFIED(traditional) == simplified


def test_what_is_in_the_wanted_script_stays():
    traditional = "干預乾坤，皇后之後，里程，雲云"
    assert TRADITIONAL(traditional) == traditional
    simplified = "乾隆年间，瞭望，著名"
    assert SIMPLIFIED(simplified) == simplified


def test_japanese_and_other_languages_stay():
    for text in (TEXTS["ja"], "東京の國立図書館へ行きました", TEXTS["en"], TEXTS["ko"]):
        assert SIMPLIFIED(text) == TRADITIONAL(text) == text


@pytest.mark.parametrize("convert", [SIMPLIFIED, TRADITIONAL])
@given(
    text=st.text(st.sampled_from("干乾幹发發髮后後里裏裡面麵麪云雲台臺颱檯只隻祇系係繫著着了瞭复復複坤隆預预头頭皇"))
    | st.text()
)
def test_a_second_time_changes_nothing(convert, text):
    once = convert(text)
    assert convert(once) == once
