"""Chat: turns of a person and of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..chat import ROLES, Message
from ..language import gettext as _
from .base import Field, Record, Task


class Chat(Task):
    """A record is {"messages": [{"role": ..., "content": ...}, ...]}; each of the assistant's is learnt."""

    name = "chat"
    fields = (Field("messages", ("messages", "conversations", "conversation", "dialog", "dialogue"), answers=True),)
    main_score = "bits_per_byte"
    generation: ClassVar[Mapping[str, Any]] = {"temperature": 0.0, "max_tokens": 1000}

    @property
    def title(self) -> str:
        return _("chat")

    def question(self, record: Record) -> list[Message]:
        return list(record["messages"][:-1])

    def answer(self, record: Record) -> str:
        return str(record["messages"][-1]["content"])

    def messages(self, record: Record) -> list[Message]:
        return list(record["messages"])

    def check(self, record: Record) -> str | None:
        messages = record.get("messages")
        if not isinstance(messages, list) or not messages:
            return _("it has no messages")
        for number, message in enumerate(messages, 1):
            if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
                return _("message {number} has no known role or no text").format(number=number)
        if not any(each["role"] == "assistant" and each["content"].strip() for each in messages):
            return _("the assistant says nothing in it")
        return None
