"""Requests for tasks over HTTP: {"model", what the task takes, "options" of generation, "stream"}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..generation.options import GenerationOptions
from ..knowledge.store import Knowledge
from ..language import gettext as _
from ..options import fields
from .openai import RequestError

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
        if not isinstance(body, dict):
            raise RequestError(_("The body is no JSON object."))
        body = {key: value for key, value in body.items() if value is not None}
        model, stream = body.pop("model", default_model), body.pop("stream", False)
        if not isinstance(model, str) or not model:
            raise RequestError(_("Say which model: {name}.").format(name="model"), "model")
        if not isinstance(stream, bool):
            raise RequestError(_("{name} is {value}").format(name="stream", value=stream) + ".", "stream")
        options = _options(body.pop("options", {}))
        request: dict[str, Any] = {}
        for key, value in body.items():
            kind = TAKES[task].get(key)
            if kind is None:
                raise RequestError(_("There is no parameter {name}.").format(name=key), key)
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
        return cls(model, task, request, options, stream)


def _options(values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise RequestError(_("{name} is {value}").format(name="options", value=values) + ".", "options")
    known = {field.name for field in fields(GenerationOptions)}
    for key in values:
        if key not in known:
            raise RequestError(_("There is no parameter {name}.").format(name=key), key)
    try:
        GenerationOptions.from_mapping(values)
    except UserError as error:
        raise RequestError(str(error)) from None
    return dict(values)
