"""What a run tells, as plain values: the same from a model in this process and from the engine; and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..language import gettext as _
from ..language import ngettext

if TYPE_CHECKING:
    from .generate import Run


def answers_of(run: Run) -> Iterator[dict[str, Any]]:
    """{"started": {...}}, then {"delta": {index, text, scores}} again and again, then {"done": {...}}."""
    started = {"seed": run.seed, "prompt_tokens": run.prompt_tokens, "left_out": run.left_out}
    yield {"started": {**started, "messages_left_out": run.messages_left_out}}
    for delta in run:
        scores = [each.as_dict(run.writer.tokenizer) for each in delta.scores]
        yield {"delta": {"index": delta.index, "text": delta.text, **({"scores": scores} if scores else {})}}
    yield {"done": run.as_dict()}


def left_out_text(number: int, chat: bool, messages: int = 0) -> str:
    """A word about a prompt that is too long by so many tokens, or messages of a chat; nothing about another."""
    if not number:
        return ""
    if chat and messages:
        text = ngettext(
            "The chat is longer than the model can see: its oldest message is left out.",
            "The chat is longer than the model can see: its {number:,} oldest messages are left out.",
            messages,
        )
        return text.format(number=messages)
    if chat:
        return _("The chat is longer than the model can see: its oldest messages are left out.")
    return _("The prompt is longer than the model can see: its first {number:,} tokens are left out.").format(
        number=number
    )


def reading_text(done: float, total: float) -> str:
    """How far the reading of a long prompt is; nothing when it is over."""
    if done >= total:
        return ""
    return _("reading the prompt: {done:,} of {total:,} tokens").format(done=int(done), total=int(total))
