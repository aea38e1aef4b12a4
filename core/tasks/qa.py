"""Questions: answered from a text where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..chat import Message
from ..language import gettext as _
from .base import Field, Record, Task, ask

# What a model is taught to say where the text has no answer; SQuAD 2.0 has such questions.
NOT_FOUND = "The text does not say."


class QuestionAnswering(Task):
    """A record is {"question", "context" (may be empty), "answer", "answers" (where several are right)}.

    The first answer is taught; any is right.
    """

    name = "qa"
    fields = (
        Field("question", ("question", "query", "instruction", "prompt", "问题", "提问", "問題")),
        Field(
            "context",
            ("context", "passage", "input", "document", "text", "paragraph", "上下文", "材料", "段落", "原文"),
            needed=False,
        ),
        Field(
            "answer", ("answer", "answers", "response", "output", "completion", "答案", "回答", "答复"), answers=True
        ),
    )
    shortened = "context"
    main_score = "f1"
    generation: ClassVar[Mapping[str, Any]] = {"temperature": 0.0, "max_tokens": 120}

    @property
    def title(self) -> str:
        return _("questions")

    def question(self, record: Record) -> list[Message]:
        context = str(record.get("context") or "").strip()
        if not context:
            return ask("Answer the question.", str(record["question"]))
        return ask("Answer the question from the text.", f"{context}\n\n{record['question']}")
