"""Requests and answers in the words of OpenAI's HTTP interface, and what they are here.

Besides OpenAI's names all options of `GenerationOptions` are taken under their own.
"""

from __future__ import annotations

import codecs
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..generation.options import GenerationOptions
from ..language import gettext as _
from ..options import fields

# What OpenAI calls some of the options.
_RENAMED = {"max_completion_tokens": "max_tokens"}
# What changes nothing about the text, or has this value where nothing is asked for.
_IGNORED = {"user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"}
_NEUTRAL: dict[str, Sequence[Any]] = {
    "response_format": [None, {"type": "text"}],
    "tools": [None, []],
    "tool_choice": [None, "none", "auto"],
    "parallel_tool_calls": [None, True, False],
    "functions": [None, []],
    "modalities": [None, ["text"]],
    "suffix": [None, ""],
    "best_of": [None, 1],
    "reasoning_effort": [None],
}
OWN = {field.name for field in fields(GenerationOptions)}


class RequestError(UserError):
    """A request that cannot be done as it is; `parameter` is what is wrong with it."""

    def __init__(self, sentence: str, parameter: str | None = None):
        super().__init__(sentence)
        self.parameter = parameter


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    model: str
    prompt: Any  # as `Writer.start` takes it
    options: dict[str, Any]
    chat: bool
    stream: bool
    usage: bool  # in a stream, tell the number of tokens at its end
    echo: bool  # give the prompt before its continuation

    @classmethod
    def of(cls, body: Any, chat: bool, default_model: str | None) -> Request:
        """The request in the body of a POST. Raises RequestError."""
        body = given(body)
        model = take_model(body, default_model)
        prompt = _messages(body.pop("messages", None)) if chat else _prompt(body.pop("prompt", ""))
        stream, echo = take_flag(body, "stream"), take_flag(body, "echo") and not chat
        usage = stream and take_flag(take_object(body, "stream_options"), "include_usage")
        return cls(model, prompt, _options(body, chat), chat, stream, usage, echo)

    @property
    def prompts(self) -> int:
        """How many prompts it has."""
        several = not self.chat and isinstance(self.prompt, list) and not _is_tokens(self.prompt)
        return len(self.prompt) if several else 1


def given(body: Any) -> dict[str, Any]:
    """What the body of a request gives: null is as good as nothing. Raises RequestError where it is no object."""
    if not isinstance(body, dict):
        raise RequestError(_("The body is no JSON object."))
    return {key: value for key, value in body.items() if value is not None}


def take_model(body: dict[str, Any], default_model: str | None) -> str:
    """The model's name, out of a body. Raises RequestError."""
    model = body.pop("model", default_model)
    if not isinstance(model, str) or not model:
        raise RequestError(_("Say which model: {name}.").format(name="model"), "model")
    return model


def take_flag(body: dict[str, Any], name: str) -> bool:
    value = body.pop(name, False)
    if not isinstance(value, bool):
        raise RequestError(_("{name} is {value}").format(name=name, value=value) + ".", name)
    return value


def take_object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.pop(name, {})
    if not isinstance(value, dict):
        raise RequestError(_("{name} is {value}").format(name=name, value=value) + ".", name)
    return value


def _prompt(prompt: Any) -> Any:
    texts = isinstance(prompt, list) and all(isinstance(each, str) for each in prompt)
    several = isinstance(prompt, list) and all(map(_is_tokens, prompt))
    if isinstance(prompt, str) or _is_tokens(prompt) or ((texts or several) and prompt):
        return prompt
    raise RequestError(_("The prompt must be a text, a list of texts, or the numbers of tokens."), "prompt")


def _is_tokens(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and all(type(each) is int for each in prompt)


def _messages(messages: Any) -> list[dict[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise RequestError(_("The chat has no messages."), "messages")
    return [_message(number, message) for number, message in enumerate(messages, 1)]


def _message(number: int, message: Any) -> dict[str, str]:
    """A message whose content is one text: parts of text are put together. What is wrong otherwise, chats tell."""
    if not isinstance(message, dict):
        return {"role": "", "content": str(message)}
    content = message.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str):
        sentence = _("Message {number} of the chat has no text as its content.")
        raise RequestError(sentence.format(number=number), "messages")
    role = str(message.get("role"))
    return {"role": "system" if role == "developer" else role, "content": content}


def _options(body: dict[str, Any], chat: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if chat:
        wanted, alternatives = take_flag(body, "logprobs"), body.pop("top_logprobs", 0)
        if wanted:
            body["logprobs"] = alternatives
    for key, value in body.items():
        name = _RENAMED.get(key, key)
        if name == "stop":
            found[name] = [value] if isinstance(value, str) else value
        elif name == "logit_bias":
            found[name] = _biases(value)
        elif name in OWN:
            found[name] = value
        elif key in _NEUTRAL:
            if value not in _NEUTRAL[key]:
                raise RequestError(_("{name} is not supported.").format(name=key), key)
        elif key not in _IGNORED:
            raise no_parameter(key)
    return checked(found)


def no_parameter(name: str) -> RequestError:
    """The error for what is not known."""
    return RequestError(_("There is no parameter {name}.").format(name=name), name)


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """Options of generation that can be. Raises RequestError for others."""
    try:
        GenerationOptions.from_mapping(options)
    except UserError as error:
        raise RequestError(str(error)) from None
    return options


def _biases(biases: Any) -> Any:
    """OpenAI's keys are numbers of tokens, which are "#123" here; texts are as good."""
    if not isinstance(biases, Mapping):
        return biases
    return {f"#{key}" if str(key).isdecimal() else key: value for key, value in biases.items()}


class Answer:
    """The answer to a request, whole or as a stream of events."""

    def __init__(self, request: Request):
        self.request = request
        self.kind = "chat.completion" if request.chat else "text_completion"
        self.number = ("chatcmpl-" if request.chat else "cmpl-") + secrets.token_hex(12)
        self.created = int(time.time())
        self._decoders: dict[int, Any] = {}  # of the bytes of each text's tokens
        self._offsets: dict[int, int] = {}

    def _envelope(self, choices: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        return {
            "id": self.number,
            "object": kind,
            "created": self.created,
            "model": self.request.model,
            "choices": choices,
        }

    def whole(self, done: Mapping[str, Any]) -> dict[str, Any]:
        """All of it, from what the engine says at the end."""
        choices = []
        for index, completion in enumerate(done["completions"]):
            choice: dict[str, Any] = {"index": index, "finish_reason": completion["finish_reason"]}
            if self.request.chat:
                choice["message"] = {"role": "assistant", "content": completion["text"]}
            else:
                choice["text"] = self._echo(index) + completion["text"]
            choice["logprobs"] = self._scores(index, completion.get("logprobs"))
            choices.append(choice)
        return {**self._envelope(choices, self.kind), "usage": usage(done), "seed": done["seed"]}

    def opening(self) -> list[dict[str, Any]]:
        """The first events of a stream."""
        number = self.request.prompts * self.request.options.get("n", 1)
        if self.request.chat:
            first = {"role": "assistant", "content": ""}
            return [self._chunk(index, {"delta": first}) for index in range(number)]
        return [self._chunk(index, {"text": self._echo(index)}) for index in range(number) if self.request.echo]

    def delta(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """The event for a bit of text."""
        index, text = delta["index"], delta["text"]
        scores = self._scores(index, delta.get("scores"))
        return self._chunk(index, {"delta": {"content": text}} if self.request.chat else {"text": text}, scores)

    def closing(self, done: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The last events."""
        empty: dict[str, Any] = {"delta": {}} if self.request.chat else {"text": ""}
        events = [
            self._chunk(index, empty, finish=completion["finish_reason"])
            for index, completion in enumerate(done["completions"])
        ]
        if self.request.usage:
            kind = "chat.completion.chunk" if self.request.chat else self.kind
            events.append({**self._envelope([], kind), "usage": usage(done), "seed": done["seed"]})
        return events

    def _chunk(
        self, index: int, content: dict[str, Any], scores: Any = None, finish: str | None = None
    ) -> dict[str, Any]:
        choice = {"index": index, **content, "logprobs": scores, "finish_reason": finish}
        return self._envelope([choice], "chat.completion.chunk" if self.request.chat else self.kind)

    def _echo(self, index: int) -> str:
        if not self.request.echo:
            return ""
        prompt = self.request.prompt
        if self.request.prompts > 1:
            prompt = prompt[index // self.request.options.get("n", 1)]
        return prompt if isinstance(prompt, str) else ""

    def _scores(self, index: int, scores: Sequence[Mapping[str, Any]] | None) -> dict[str, Any] | None:
        if scores is None:
            return None
        if self.request.chat:
            return {"content": [{**_bare(each), "top_logprobs": list(map(_bare, each["top"]))} for each in scores]}
        decoder = self._decoders.setdefault(index, codecs.getincrementaldecoder("utf-8")("replace"))
        offsets = []
        for each in scores:
            offsets.append(self._offsets.setdefault(index, len(self._echo(index))))
            self._offsets[index] += len(decoder.decode(bytes(each["bytes"])))
        return {
            "tokens": [each["token"] for each in scores],
            "token_logprobs": [each["logprob"] for each in scores],
            "top_logprobs": [{top["token"]: top["logprob"] for top in each["top"]} for each in scores],
            "text_offset": offsets,
        }


def _bare(score: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": score["token"], "logprob": score["logprob"], "bytes": score["bytes"]}


def usage(done: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of tokens."""
    written = sum(completion["tokens"] for completion in done["completions"])
    read = done["prompt_tokens"]
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def error_body(sentence: str, kind: str, parameter: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's words."""
    return {"error": {"message": sentence, "type": kind, "param": parameter, "code": None}}
