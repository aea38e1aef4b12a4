"""The one step of the build that pyproject.toml cannot say: translations are compiled (.po to .mo)."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithTranslations(build_py):
    """Compile the catalogues beside their sources first, for a wheel and for an editable install alike."""

    def run(self):
        for source in Path("locale").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
                write_mo(mo, read_po(po))
        self.__dict__.pop("data_files", None)  # found before the catalogues were there
        super().run()


setup(cmdclass={"build_py": BuildWithTranslations})
