"""Classification: which of some labels fits a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..chat import Message
from ..language import N_
from ..language import gettext as _
from .base import Field, Record, Task, ask


class Classification(Task):
    """A record is {"text", "label"}. What a model answers is weighed label by label, see `weighing.py`."""

    name = "classify"
    fields = (
        Field(
            "text",
            ("text", "content", "sentence", "review", "review_text", "comment", "message", "title", "body", "document",
             "文本", "内容", "评论", "正文", "句子"),
        ),
        Field(
            "label",
            ("label", "labels", "class", "category", "sentiment", "target", "tag", "标签", "类别", "分类", "情感"),
            answers=True,
        ),
    )  # fmt: skip
    shortened = "text"
    main_score = N_("accuracy")
    generation: ClassVar[Mapping[str, Any]] = {"temperature": 0.0, "max_tokens": 20}

    @property
    def title(self) -> str:
        return _("classification")

    def question(self, record: Record) -> list[Message]:
        return ask("Classify the text.", str(record["text"]))

    def among(self, text: str, labels: Sequence[str]) -> list[Message]:
        """The question to a model that was not taught it: the labels are named."""
        named = ", ".join(labels)
        return ask(f"Classify the text. Answer with one of these labels: {named}.", text)

    def about(self, records: Sequence[Record]) -> dict[str, Any]:
        counts = Counter(str(record["label"]) for record in records)
        return {"labels": [label for label, _count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]}
