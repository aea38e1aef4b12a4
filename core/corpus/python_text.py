"""The text that every machine has: the documentation inside Python's own standard library, gathered where it is.

Three kinds: the chapters of the language reference that `help()` shows (`pydoc_data.topics`), the docstrings of the
library's modules, classes and functions, read from their sources without running them, and those of its modules in C.
Examples of the interpreter's prompt are left out: their long tables of numbers are no prose.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..progress import Progress, no_progress
from .importing import import_documents
from .store import Corpus

SHORTEST = 200  # characters; a module that says less than this teaches nothing
_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
_EXAMPLE = re.compile(r"^[ \t]*>>>.*(?:\n.*\S.*)*\n?", re.MULTILINE)  # with what it answers, to the next blank line
_UNDERLINE = re.compile(r"^[=\-~*^\"'+#.]{4,}$", re.MULTILINE)


def import_python_text(name: str, progress: Progress = no_progress) -> Corpus:
    """Make the corpus `name` of it: a document for each chapter and each module."""
    return import_documents(python_documents(progress), name, origin=["Python"])


def python_documents(progress: Progress = no_progress) -> Iterator[tuple[str, str]]:
    """Pairs (text, source)."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = sorted(
        path for path in library.rglob("*.py") if not _LEFT_OUT.intersection(path.relative_to(library).parts[:-1])
    )
    for source, text in _topics():
        yield _EXAMPLE.sub("", text), source
    for name in _compiled_modules():
        progress(0, len(modules), name)
        text = _compiled_text(name)
        if len(text) >= SHORTEST:
            yield _EXAMPLE.sub("", text), name
    for index, path in enumerate(modules):
        progress(index, len(modules), path.name)
        text = _module_text(path)
        if len(text) >= SHORTEST:
            yield _EXAMPLE.sub("", text), str(path.relative_to(library))


def _topics() -> Iterator[tuple[str, str]]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions of Python leave it out
        return
    for name, text in sorted(topics.items()):
        yield f"topic {name}", _UNDERLINE.sub("", text)


def _compiled_modules() -> list[str]:
    folder = Path(sysconfig.get_path("stdlib"), "lib-dynload")
    shared = {path.name.split(".")[0] for path in folder.glob("*.so")}
    return sorted(
        name
        for name in {*sys.builtin_module_names, *shared}
        if not name.startswith(("_test", "_xx", "xx", "_ctypes_test"))
    )


def _compiled_text(name: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of modules that will be removed from Python
            module = importlib.import_module(name)
    except Exception:  # a library that it was built for is gone
        return ""
    parts = [inspect.cleandoc(module.__doc__)] if module.__doc__ else []
    for member_name, member in sorted(vars(module).items()):
        if getattr(member, "__module__", None) != name:
            continue
        parts += _described(member_name, member)
        if isinstance(member, type):
            for method_name, method in sorted(vars(member).items()):
                if inspect.ismethoddescriptor(method) and not method_name.startswith("__"):
                    parts += _described(f"{member_name}.{method_name}", method)
    return "\n\n".join(parts)


def _described(name: str, member: Any) -> list[str]:
    text = getattr(member, "__doc__", None)
    return [f"{name}{_text_signature(member)}\n{inspect.cleandoc(text)}"] if isinstance(text, str) and text else []


def _text_signature(member: Any) -> str:
    signature = getattr(member, "__text_signature__", None) or ""
    return signature.replace("$", "") if signature.startswith("(") else ""


def _module_text(path: Path) -> str:
    """The docstrings of a module, in their order: each function's and class's name stands before what is said of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sources that are meant to be odd
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return ""
    parts = [inspect.cleandoc(text)] if (text := ast.get_docstring(tree, clean=False)) else []
    parts += _definitions(tree, "")
    return "\n\n".join(parts)


def _definitions(parent: ast.AST, prefix: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield f"{prefix}{_signature(node)}\n{text}"
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _definitions(node, prefix)


def _signature(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}"
    arguments = ast.unparse(node.args)
    return f"{node.name}({arguments})"
