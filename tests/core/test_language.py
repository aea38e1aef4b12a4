"""Which language the words are in."""

import os

import pytest

from newleaf.core import language
from newleaf.core.errors import explain
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.language import N_, gettext, ngettext, set_language
from newleaf.core.options import fields
from newleaf.core.store import find


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_CN"),
        ({"LANG": "zh"}, "zh_CN"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "en_US.UTF-8", "LANGUAGE": "zh:en"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": ""}, "zh_CN"),
        ({"LANGUAGE": "zh_CN", "NEWLEAF_LANGUAGE": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "NEWLEAF_LANGUAGE": "zh_CN"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "zh_CN"),
    ],
)
def test_the_environment_decides(environment, code):
    assert language.language_of_environment(environment) == code


def test_what_is_set_wins_until_the_environment_is_asked_again(monkeypatch):
    monkeypatch.setenv("NEWLEAF_LANGUAGE", "zh_CN")
    assert set_language("en") == language.current_language() == "en"
    assert set_language() == language.current_language() == "zh_CN"
    assert set_language("tlh") == "zh_CN"  # a language that newleaf does not speak


def test_words_are_translated_when_they_are_said():
    declared = N_("The machine's memory is full. Close other programs, or choose a smaller size.")
    assert gettext(declared) == explain(MemoryError()) == declared
    set_language("zh_CN")
    assert gettext(declared) == explain(MemoryError()) != declared
    assert "内存" in gettext(declared)
    assert declared.isascii()


def test_errors_are_in_it_too():
    set_language("zh_CN")
    with pytest.raises(ValueError, match="没有模型"):
        find("models", "absent")
    set_language("en")
    with pytest.raises(ValueError, match="no model"):
        find("models", "absent")


def test_the_help_of_options_is_in_it_too():
    set_language("zh_CN")
    for field in fields(GenerationOptions):
        assert not gettext(field.description).isascii()


def test_what_no_catalogue_knows_is_said_as_it_is():
    for code in language.LANGUAGES:
        set_language(code)
        assert gettext("Nobody translated this.") == "Nobody translated this."
        assert ngettext("One leaf nobody knows.", "Leaves nobody knows.", 2) == "Leaves nobody knows."


def test_one_and_many():
    assert [ngettext("leaf", "leaves", number) for number in (0, 1, 2)] == ["leaves", "leaf", "leaves"]


def test_every_language_has_its_catalogue():
    for code in set(language.LANGUAGES) - {"en"}:
        assert os.path.isfile(os.path.join(language.catalogues(), code, "LC_MESSAGES", "newleaf.po"))  # noqa: PTH113, PTH118
