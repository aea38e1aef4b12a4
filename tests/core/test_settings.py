"""A person's settings: a file that stays theirs."""

import pytest

from newleaf.core.errors import UserError
from newleaf.core.home import settings_path
from newleaf.core.settings import change_setting, read_settings


@pytest.fixture
def write():
    """A function that puts a text where the settings are."""

    def put(text):
        settings_path().parent.mkdir(parents=True, exist_ok=True)
        settings_path().write_text(text, encoding="utf-8")

    return put


def test_without_a_file_there_are_none():
    assert read_settings() == {}
    assert not settings_path().exists()


def test_the_first_change_makes_the_file():
    change_setting("language", "zh_CN")
    change_setting("model", "我的模型")
    assert read_settings() == {"language": "zh_CN", "model": "我的模型"}


def test_comments_and_order_survive_a_change(write):
    write('# mine\nlanguage = "en" # English\n\n# deep\n[keys]\nquit = "q"\n')
    change_setting("language", "zh_CN")
    assert settings_path().read_text() == '# mine\nlanguage = "zh_CN" # English\n\n# deep\n[keys]\nquit = "q"\n'


@pytest.mark.parametrize("text", ["language = ", "language = 'a'\nlanguage = 'b'\n", "\0"])
def test_a_file_that_is_no_toml_is_named_and_left_as_it_is(write, text):
    write(text)
    with pytest.raises(UserError, match=r"settings\.toml cannot be read"):
        read_settings()
    with pytest.raises(UserError, match=r"settings\.toml cannot be read"):
        change_setting("language", "en")
    assert settings_path().read_text() == text


def test_a_file_that_is_no_text_is_named(write):
    write("")
    settings_path().write_bytes(b'language = "\xff"\n')
    with pytest.raises(UserError, match=r"settings\.toml cannot be read"):
        read_settings()


def test_a_link_to_the_file_stays_a_link(write, tmp_path):
    write("")
    settings_path().rename(tmp_path / "mine.toml")
    settings_path().symlink_to(tmp_path / "mine.toml")
    change_setting("language", "en")
    assert settings_path().is_symlink()
    assert (tmp_path / "mine.toml").read_text() == 'language = "en"\n'
