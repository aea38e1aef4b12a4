"""Where things are kept, and which names a person may give."""

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.home import check_name, folder, home, home_path, settings_path


def test_newleaf_home_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("NEWLEAF_HOME", str(tmp_path / "elsewhere"))
    assert home_path() == tmp_path / "elsewhere" and not home_path().exists()
    assert home().is_dir()


@pytest.mark.parametrize("variables", [{}, {"XDG_DATA_HOME": "/x/data", "XDG_CONFIG_HOME": "/x/config"}])
def test_without_it_the_place_is_that_of_platformdirs(variables):
    script = """
import platformdirs
from newleaf.core.home import home_path, settings_path
assert home_path() == platformdirs.user_data_path("newleaf", appauthor=False), home_path()
assert settings_path().parent == platformdirs.user_config_path("newleaf", appauthor=False)
"""
    left_out = ("NEWLEAF_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in left_out} | variables
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def test_folders_are_for_their_owner_alone():
    for path in (home(), folder("corpora")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_file_in_its_place_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEWLEAF_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="is a file"):
        home()


@given(name=st.text(max_size=300))
@example("..")
@example("a/../b")
@example("\u202ename")
def test_a_name_that_is_taken_names_one_folder_and_no_other_place(name):
    try:
        checked = check_name(name)
    except UserError as error:
        assert "cannot be used" in str(error) and "\n" not in str(error)
        return
    parent = folder("models")
    assert (parent / checked).resolve().parent == parent.resolve()
    (parent / checked).mkdir(exist_ok=True)
    assert len(os.fsencode(checked + ".partial-removed")) < 255


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", "a\\b", "..", ".hidden", "-n", "a\nb", "a\0b", " a", "a" * 101, "好" * 80]
)
def test_names_that_cannot_be(name):
    with pytest.raises(UserError):
        check_name(name)


@pytest.mark.parametrize("name", ["book", "我的书", "a b", "v1.2_final-3", "Ünï"])
def test_names_that_can_be(name):
    assert check_name(name) == name


def test_settings_are_in_the_configuration_folder(tmp_path):
    assert settings_path() == tmp_path / "config" / "newleaf" / "settings.toml"
