"""Which language the words are in."""

import pytest

from newleaf.core import language
from newleaf.core.store import find


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_CN"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh:en"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "NEWLEAF_LANGUAGE": "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "zh_CN"),
    ],
)
def test_the_environment_decides(environment, code):
    assert language.language_of_environment(environment) == code


def test_errors_are_in_it_too():
    language.set_language("zh_CN")
    with pytest.raises(ValueError, match="没有模型"):
        find("models", "absent")
    language.set_language("en")
    with pytest.raises(ValueError, match="no model"):
        find("models", "absent")
