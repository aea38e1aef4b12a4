"""Summaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..chat import Message
from ..language import gettext as _
from .base import Field, Record, Task, ask


class Summary(Task):
    """A record is {"document", "summary"}."""

    name = "summary"
    fields = (
        Field(
            "document",
            (
                "document",
                "article",
                "text",
                "content",
                "body",
                "source",
                "dialogue",
                "input",
                "正文",
                "文章",
                "内容",
                "原文",
            ),
        ),
        Field(
            "summary",
            (
                "summary",
                "highlights",
                "abstract",
                "headline",
                "title",
                "target",
                "output",
                "摘要",
                "总结",
                "标题",
                "概要",
            ),
            answers=True,
        ),
    )
    shortened = "document"
    main_score = "rouge_l"
    generation: ClassVar[Mapping[str, Any]] = {"temperature": 0.0, "max_tokens": 200}

    @property
    def title(self) -> str:
        return _("summaries")

    def question(self, record: Record) -> list[Message]:
        return ask("Summarize the text.", str(record["document"]))
