"""A job is watched from its events, whatever its file holds."""

import json

import pytest
from trainings import pretend_training

from newleaf.cli.main import run
from newleaf.core.files import append_lines

DAMAGED = [
    "null",
    "123",
    "[1, 2]",
    "{}",
    '{"kind": "message"}',
    '{"kind": "plan"}',
    '{"kind": "plan", "config": 3}',
    '{"kind": "eval", "step": 3}',
    '{"kind": "eval", "step": "a", "bits_per_byte": "b"}',
    '{"kind": "eval", "step": 3, "bits_per_byte": 2.0, "scores": {"no task": 1}}',
    '{"kind": "resume"}',
    '{"kind": "sample", "step": 3}',
    '{"kind": "sample", "step": 3, "prompt": 5, "text": []}',
    '{"kind": ["message"], "text": "x"}',
]


def watched(capsys, name):
    """What `newleaf job watch` says of a training that has ended."""
    assert run(["job", "watch", f"train-{name}"]) == 0
    return capsys.readouterr().err


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_event_is_passed_over(newleaf_home, capsys, line):
    path = pretend_training("m") / "events.jsonl"
    path.write_text(f"{line}\n{json.dumps({'kind': 'message', 'text': 'all is well'})}\n")
    said = watched(capsys, "m")
    assert "all is well" in said and "fault" not in said


@pytest.mark.parametrize("text", ["狐狸说它会回来。" * 100, "x" * 1000, "The fox said that it would come. " * 30])
def test_of_a_long_sample_the_beginning_is_shown(newleaf_home, capsys, text):
    path = pretend_training("m") / "events.jsonl"
    path.unlink()
    append_lines(path, [{"kind": "sample", "step": 3, "prompt": "", "text": text}])
    (line,) = watched(capsys, "m").splitlines()
    assert line.strip() == text[:220].rstrip() + " ..."


def test_a_short_sample_is_shown_whole_in_one_line(newleaf_home, capsys):
    path = pretend_training("m") / "events.jsonl"
    path.unlink()
    append_lines(path, [{"kind": "sample", "step": 3, "prompt": "The fox", "text": " said:\n\nI come."}])
    assert watched(capsys, "m") == "    The fox said: I come.\n"
