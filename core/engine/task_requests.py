"""Requests for tasks over HTTP: {"model", what the task takes, "options" of generation, "stream"}."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..knowledge.store import Knowledge
from ..language import gettext as _
from .openai import OWN, RequestError, checked, given, no_parameter, take_flag, take_model, take_object

# What each task takes, see its module in core/tasks, and of which type. A file of this machine is not among it.
TAKES: dict[str, dict[str, type]] = {
    "translate": {"text": str, "to": str, "from": str},
    "summary": {"text": str, "words": int, "style": str},
    "qa": {"question": str, "context": str, "knowledge": str, "passages": int},
    "classify": {"text": str, "labels": list},
}
NEEDED = {"qa": "question"}  # "text" by the others


@dataclass(frozen=True)
class TaskRequest:
    """What is asked for."""

    model: str
    task: str
    request: dict[str, Any]
    options: dict[str, Any]
    stream: bool

    @classmethod
    def of(cls, task: str, body: Any, default_model: str | None) -> TaskRequest:
        """The request in the body of a POST. Raises RequestError."""
        if task not in TAKES:
            raise RequestError(
                _("There is no task {name}; there are: {names}.").format(name=task, names=", ".join(TAKES))
            )
        body = given(body)
        model, stream, options = (
            take_model(body, default_model),
            take_flag(body, "stream"),
            take_object(body, "options"),
        )
        for key in options:
            if key not in OWN:
                raise no_parameter(key)
        request: dict[str, Any] = {}
        for key, value in body.items():
            kind = TAKES[task].get(key)
            if kind is None:
                raise no_parameter(key)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise RequestError(_("{name} is {value}").format(name=key, value=value) + ".", key)
            request[key] = value
        needed = NEEDED.get(task, "text")
        if needed not in request:
            raise RequestError(_("The request lacks {name}.").format(name=needed), needed)
        if "knowledge" in request:
            try:  # one of this home's, by its name
                request["knowledge"] = str(Knowledge.open(request["knowledge"]).path)
            except UserError as error:
                raise RequestError(str(error), "knowledge") from None
        return cls(model, task, request, checked(options), stream)
