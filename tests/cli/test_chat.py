"""`newleaf chat`: one answer for a script, turn after turn for a person."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from command_line import data, newleaf

from newleaf.core.home import home


@pytest.fixture(autouse=True)
def home_exists():
    return home()


def test_a_question_gets_one_answer(tiny_model):
    words = ("chat", "tiny", "Hello", "--seed", "3", "--max-tokens", "8")
    found = data(*words)
    assert found["messages"] == [{"role": "user", "content": "Hello"}]
    assert newleaf(*words).stdout == found["completions"][0]["text"].lstrip() + "\n"
    assert newleaf(*words).stderr == ""


def test_what_the_model_is_told_comes_first_and_changes_the_answer(tiny_model):
    found = data("chat", "tiny", "Hello", "--system", "Be brief.", "--max-tokens", "1")
    assert [message["role"] for message in found["messages"]] == ["system", "user"]
    assert found["messages"][0]["content"] == "Be brief."
    assert found["prompt_tokens"] > data("chat", "tiny", "Hello", "--max-tokens", "1")["prompt_tokens"]


def test_standard_input_is_what_is_said(tiny_model):
    found = data("chat", "tiny", "Sum it up.", "--max-tokens", "1", stdin="A long text.\n")
    assert found["messages"][0]["content"] == "A long text.\nSum it up."


def test_nothing_to_answer_is_told(tiny_model):
    done = newleaf("chat", "tiny")
    assert done.returncode == 1 and "nothing to answer" in done.stderr


def test_plain_answers_each_line_and_remembers_until_a_new_chat_begins(tiny_model):
    options = ("--seed", "3", "--max-tokens", "6")
    done = newleaf("chat", "tiny", "--plain", *options, stdin="Hello\nMore\n/new\nHello\n")
    assert done.returncode == 0 and done.stderr == "" and "\x1b" not in done.stdout
    alone = newleaf("chat", "tiny", "Hello", *options).stdout
    assert done.stdout.startswith(alone) and done.stdout.endswith(alone) and len(done.stdout) > 2 * len(alone)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *words):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, text):
        os.write(self.ours, text.encode())

    def read_until(self, words):
        """What is shown, up to `words`."""
        seen, deadline = "", time.monotonic() + 120
        while words not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self.ours], [], [], 1)[0]:
                seen += os.read(self.ours, 65536).decode("utf-8", "replace")
        return seen

    def wait(self):
        """Its exit code."""
        with contextlib.suppress(OSError):  # all is read
            while os.read(self.ours, 65536):
                pass
        return self.process.wait(timeout=60)


# The terminal is the one whose Ctrl+C reaches the process.
CONTROLLED = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from newleaf.__main__ import main
sys.exit(main())
"""


def test_turn_by_turn_until_control_d(tiny_model):
    terminal = Terminal("chat", "tiny", "--max-tokens", "1000000", "--temperature", "0", "--min-tokens", "100000")
    assert "Ctrl+D leaves" in terminal.read_until("> ")
    terminal.type("Hello\n")
    terminal.read_until("Hello\r\n")
    assert os.read(terminal.ours, 1)  # it answers
    terminal.type("\x03")  # ends the answer, not the chat
    terminal.read_until("\n> ")
    time.sleep(1)  # Python waits for a key a moment after it shows the prompt, and in between it does not hear Ctrl+C
    terminal.type("\x03")
    terminal.read_until("\n> ")
    terminal.type("/new\n")
    terminal.read_until("/new\r\n> ")
    terminal.type("\x04")
    assert terminal.wait() == 0
