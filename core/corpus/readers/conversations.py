"""Conversations as files hold them: OpenAI's messages (role, content), ShareGPT's conversations (from, value), and
pairs of a question and an answer, such as Alpaca's instructions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Who speaks, by the names that there are for it.
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
    "function_call": "tool",
    "observation": "tool",
}
CONVERSATIONS = ("messages", "conversations", "conversation", "dialog", "dialogue")  # fields that hold one
PAIRS = (  # fields of a question, of what it is about, of its answer
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
    ("prompt", None, "completion"),
    ("prompt", None, "response"),
    ("question", "context", "answer"),
    ("query", None, "response"),
    ("user", None, "assistant"),
    ("问题", None, "回答"),
    ("问题", None, "答案"),
)


@dataclass(frozen=True)
class Turn:
    """What one says; `role` is a value of ROLES, or another as it is written. `plain`: there is only text in it."""

    role: str
    text: str
    plain: bool = True


def turns_of(value: Any) -> list[Turn] | None:
    """The turns of a list of who says what, empty ones too, or None where it is none."""
    if not isinstance(value, list) or not value:
        return None
    turns = []
    for turn in value:
        if not isinstance(turn, Mapping):
            return None
        role = turn.get("role", turn.get("from"))
        said = turn.get("content", turn.get("value"))
        plain = not (turn.get("tool_calls") or turn.get("function_call"))
        if isinstance(said, list):  # parts, of which pictures are some
            texts = [part.get("text") if isinstance(part, Mapping) else part for part in said]
            plain = plain and all(isinstance(text, str) for text in texts)
            said = "\n".join(text for text in texts if isinstance(text, str))
        if not isinstance(role, str) or not isinstance(said, str | None):
            return None
        turns.append(Turn(ROLES.get(role.strip().lower(), role), (said or "").strip(), plain))
    return turns


def turns_of_pair(record: Mapping[str, Any], asked: str, about: str | None, answer: str) -> list[Turn] | None:
    """A question, with what it is about below it, and its answer; None where one of them has no text."""
    question = [record.get(name) for name in (asked, about) if name]
    parts = [part.strip() for part in question if isinstance(part, str) and part.strip()]
    given = record.get(answer)
    if not parts or not isinstance(given, str) or not given.strip():
        return None
    return [Turn("user", "\n".join(parts)), Turn("assistant", given.strip())]
