"""The package: what is in it, and that it works outside its checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("cli", "core", "trainer", "tui")


def test_every_folder_with_code_is_listed():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    present = {"newleaf"}
    for part in PARTS:
        present |= {".".join(["newleaf", *path.parent.relative_to(ROOT).parts]) for path in (ROOT / part).rglob("*.py")}
    assert listed == present
    assert all((ROOT / Path(*name.split(".")[1:]) / "__init__.py").is_file() for name in listed)


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment_in_another_folder(tmp_path):
    source = tmp_path / "source"  # setuptools builds beside the sources
    source.mkdir()
    for name in (*PARTS, "locale", "pyproject.toml", "setup.py", "README.md", "LICENSE", "__init__.py", "__main__.py"):
        (source / name).symlink_to(ROOT / name)
    (source / "py.typed").symlink_to(ROOT / "py.typed")
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path / "dist", source]
    subprocess.run([*build, "--quiet"], check=True)
    (wheel,) = (tmp_path / "dist").glob("newleaf-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "newleaf/locale/zh_CN/LC_MESSAGES/newleaf.mo" in names
    assert "newleaf/py.typed" in names
    assert any(name.startswith("newleaf/tui/") and name.endswith(".tcss") for name in names)
    assert not any(name.startswith(("newleaf/tests", "newleaf/tools", "newleaf/docs")) for name in names)

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*install, wheel], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {**os.environ, "PYTHONPATH": dependencies, "NEWLEAF_LANGUAGE": "zh_CN"}
    environment["NEWLEAF_HOME"] = str(tmp_path / "home")
    script = [tmp_path / "fresh" / "bin" / "newleaf", "--help"]
    for command in (script, [python, "-m", "newleaf", "--help"]):
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
        assert "语料" in done.stdout
    where = subprocess.run(
        [python, "-c", "import newleaf; print(newleaf.__file__)"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "fresh") in where.stdout
