"""What a command imports before it does anything: the words come at once, without torch."""

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "sentencepiece",
    "numpy",
    "transformers",
    "pyarrow",
    "safetensors",
    "jinja2",
    "tokenizers",
    "gguf",
    "starlette",
    "uvicorn",
}


def imported(*words):
    script = f"""
import sys
sys.argv = ["newleaf", *{words!r}]
from newleaf.__main__ import main
try:
    main()
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return {line.split(".")[0] for line in done.stderr.splitlines()}


def test_help_imports_next_to_nothing():
    assert not imported("--help") & (HEAVY | {"argparse", "dataclasses", "platformdirs", "textual", "json"})


@pytest.mark.parametrize(
    "words",
    [
        ["corpus", "list"],
        ["tokenizer", "list"],
        ["model", "list"],
        ["job", "list"],
        ["knowledge", "list"],
        ["knowledge", "search", "absent", "x"],
        ["train", "--help"],
        ["generate", "--help"],
        ["generate", "absent", "x"],
        ["chat", "--help"],
        ["chat", "absent", "x"],
        ["serve", "--help"],
        ["serve", "absent"],
        ["model", "import", "--help"],
        ["model", "export", "absent", "--out", "x.gguf"],
        ["corpus", "show", "absent"],
        ["train", "absent", "--name", "m"],
        ["tokenizer", "train", "absent", "--name", "t"],
    ],
)
def test_commands_that_only_look_import_nothing_heavy(words):
    assert not imported(*words) & (HEAVY | {"textual"})
