"""Where things are kept, and which names a person may give."""

import os
import stat
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import import_documents
from newleaf.core.errors import UserError
from newleaf.core.home import check_name, folder, home, home_path, settings_path
from newleaf.core.store import find


def test_newleaf_home_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("NEWLEAF_HOME", str(tmp_path / "elsewhere"))
    assert home_path() == tmp_path / "elsewhere" and not home_path().exists()
    assert home().is_dir()


def test_newleaf_home_may_be_short_for_a_place(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NEWLEAF_HOME", "~/leaves")
    assert home_path() == tmp_path / "leaves"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWLEAF_HOME", "here")
    assert home_path() == tmp_path / "here"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize("value", [None, "", "  ", "/x/data", "/x/data/", "/x//y/../z", "relative", "~/x", " /x "])
def test_without_it_the_place_is_that_of_platformdirs(monkeypatch, value):
    import platformdirs

    monkeypatch.delenv("NEWLEAF_HOME")
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable)
        if value is not None:
            monkeypatch.setenv(variable, value)
    assert home_path() == platformdirs.user_data_path("newleaf", appauthor=False)
    assert settings_path().parent == platformdirs.user_config_path("newleaf", appauthor=False)


def test_settings_are_in_the_configuration_folder(tmp_path):
    assert settings_path() == tmp_path / "config" / "newleaf" / "settings.toml"


def test_folders_are_for_their_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        corpus = import_documents([("One text.", "a"), ("Another text.", "b")], "c")
    finally:
        os.umask(before)
    for path in (home(), folder("corpora"), corpus.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_file_in_its_place_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("NEWLEAF_HOME", str(place))
        with pytest.raises(UserError, match="is a file"):
            home()


# U+0958 and U+1D160 become two and three characters when they are composed; the others hide, turn or climb.
names = st.text(max_size=120) | st.text(st.sampled_from("a./\\-~ \u0958\U0001d160é\u0301\0\n\u202e好🌿"), max_size=110)


@given(name=names)
@example("..")
@example("a/../b")
@example("\u202ename")
@example("\u0958" * 66)
@example("\U0001d160" * 50)
def test_a_name_that_is_accepted_makes_one_folder_in_its_place(name):
    try:
        checked = check_name(name)
    except UserError as error:
        assert "cannot be used" in str(error) and str(error).isprintable()
        return
    parent = folder("models")
    (parent / checked).mkdir()
    assert [path.name for path in parent.iterdir()] == [checked]
    assert (parent / checked).resolve().parent == parent.resolve()
    (parent / checked).rmdir()
    assert check_name(checked) == checked
    assert len(os.fsencode(checked)) <= 200  # room for what jobs and half-made folders add


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a/b", "slash"),
        ("a\\b", "slash"),
        ("/etc/passwd", "slash"),
        ("..", 'starts with "."'),
        (".hidden", 'starts with "."'),
        ("-n", 'starts with "-"'),
        ("a\nb", "cannot be seen"),
        ("a\0b", "cannot be seen"),
        ("a\x1b[31m", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("a\udce9", "cannot be seen"),
        (" a", "space"),
        ("a ", "space"),
        ("a" * 101, "longer than 100"),
        ("好" * 80, "longer than 100"),
    ],
)
def test_a_name_that_cannot_be_says_why(name, reason):
    with pytest.raises(UserError) as caught:
        check_name(name)
    assert reason in str(caught.value) and "Letters, digits" in str(caught.value)
    assert not list(Path(folder("models")).iterdir())


@pytest.mark.parametrize("name", ["book", "我的书", "a b", "v1.2_final-3", "Ünï", "a" * 100, "~", "a..b", "%s{name}"])
def test_names_that_can_be(name):
    assert check_name(name) == name


def test_a_job_of_the_longest_name_can_be_found(newleaf_home):
    (folder("jobs") / f"tokenizer-{'a' * 100}").mkdir()
    (folder("jobs") / f"tokenizer-{'a' * 100}" / "job.json").touch()
    assert find("jobs", f"tokenizer-{'a' * 100}").exists()


def test_the_two_spellings_of_an_accent_are_one_name():
    assert check_name(unicodedata.normalize("NFD", "café")) == check_name("café") == "café"
