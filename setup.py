"""What pyproject.toml cannot say of the build: translations are compiled (.po to .mo), and so is what is written in C.

Without a C compiler (for core/model one that knows OpenMP) newleaf installs all the same, and is slower.
"""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import Extension, setup
from setuptools.command.build_py import build_py


class BuildWithTranslations(build_py):
    """Compile the catalogues beside their sources first, for a wheel and for an editable install alike."""

    def run(self):
        for source in Path("locale").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
                write_mo(mo, read_po(po))
        self.__dict__.pop("data_files", None)  # found before the catalogues were there
        super().run()


headers = (
    "lanes", "decode", "product", "halves", "squares", "softmax", "attention", "orthogonal", "loss", "norm", "heads",
    "gated", "linear", "tiles", "stream", "layer", "turned",
)  # fmt: skip
model = Extension(
    "newleaf.core.model._native",
    ["core/model/decode.c", "core/model/training.c"],
    depends=[f"core/model/{name}.h" for name in headers],
    extra_compile_args=["-O3", "-fopenmp", "-fno-math-errno", "-Wno-psabi"],
    extra_link_args=["-fopenmp"],
    optional=True,
)
texts = Extension(
    "newleaf.core.corpus._native",
    [f"core/corpus/{name}.c" for name in ("json_lines", "look", "pack", "seen", "sketch")],
    depends=["core/corpus/utf8.h"],
    extra_compile_args=["-O3"],
    optional=True,
)
setup(cmdclass={"build_py": BuildWithTranslations}, ext_modules=[model, texts])
