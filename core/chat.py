"""A chat as a model reads it: the messages in the words of the template that came with it.

A template is a Jinja program of Hugging Face's kind. It runs in a sandbox, and only what the template itself writes can
become a control symbol: the same characters in a message are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .language import gettext as _

if TYPE_CHECKING:
    import jinja2

    from .tokenizer.tokenizer import Tokenizer

Message = Mapping[str, str]  # role and content
ROLES = ("system", "user", "assistant")
# How a chat is written for a model that brings no template, and how its answer is known to be over.
PLAIN_NAMES = {"system": "", "user": "User: ", "assistant": "Assistant: "}
PLAIN_STOP = ("\nUser:", "\nAssistant:")
LARGEST = 1 << 26  # characters of a rendered chat: more is a template that does not end
_SEAM = "\ufdd0"  # no character: Unicode keeps it for a program's own use
_PLACE = re.compile(f"{_SEAM}(\\d+){_SEAM}")


def encode_chat(tokenizer: Tokenizer, messages: Sequence[Message], answer: bool = True) -> list[int]:
    """The tokens of a chat, with the beginning of an answer after it. Raises UserError for messages of another form,
    and what the template says against them."""
    _check(messages)
    if tokenizer.chat_template is None:
        tokens = tokenizer.encode(_plain(messages, answer))
        return tokens if tokenizer.begin is None else [tokenizer.begin, *tokens]
    kept: list[str] = []  # symbols that stand in messages; the template sees a place for each

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"{_SEAM}{len(kept) - 1}{_SEAM}"

    marked = [
        {
            "role": message["role"],
            "content": tokenizer.special_pattern.sub(keep, message["content"].replace(_SEAM, "\ufffd")),
        }
        for message in messages
    ]
    text = render(tokenizer.chat_template, marked, tokenizer.symbol_names, answer)
    if not kept:
        return tokenizer.encode_marked(text)
    tokens = []
    for index, part in enumerate(tokenizer.special_pattern.split(text)):
        if index % 2:
            tokens.append(tokenizer.special[part])
        elif part:
            tokens += tokenizer.encode(_PLACE.sub(lambda match: kept[int(match[1])], part))
    return tokens


def shortened(tokenizer: Tokenizer, messages: Sequence[Message], room: int) -> tuple[list[int], int]:
    """The tokens of a chat that fit into `room`, and how many the whole chat has.

    The oldest messages give way, two by two so that a question begins it; the system's and the last one stay, even
    where they are too long by themselves.
    """
    tokens = encode_chat(tokenizer, messages)
    whole = len(tokens)
    system = 1 if messages[0]["role"] == "system" else 0
    begin = system
    while len(tokens) > room and begin + 2 < len(messages):
        begin += 2
        tokens = encode_chat(tokenizer, [*messages[:system], *messages[begin:]])
    return tokens, whole


def stop_of(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The texts that end an answer, besides the tokens that do."""
    return PLAIN_STOP if tokenizer.chat_template is None else ()


def _check(messages: Sequence[Message]) -> None:
    if not messages:
        raise UserError(_("The chat has no messages."))
    for number, message in enumerate(messages, 1):
        if not isinstance(message, Mapping) or not isinstance(message.get("content"), str):
            raise UserError(_("Message {number} of the chat has no text as its content.").format(number=number))
        if message.get("role") not in ROLES:
            raise UserError(
                _("Message {number} of the chat is by {role}; the roles are {roles}.").format(
                    number=number, role=message.get("role"), roles=", ".join(ROLES)
                )
            )


def _plain(messages: Sequence[Message], answer: bool) -> str:
    lines = [PLAIN_NAMES[message["role"]] + message["content"] for message in messages]
    return "\n".join([*lines, PLAIN_NAMES["assistant"].rstrip()] if answer else lines)


def render(template: str, messages: Sequence[Message], names: Mapping[str, str], answer: bool = True) -> str:
    """The chat in the template's words; `names` are those of the control symbols that it may use. Raises UserError."""
    from jinja2 import TemplateError

    found: list[str] = []
    length = 0
    try:
        values: dict[str, Any] = {"messages": list(messages), "add_generation_prompt": answer, "tools": None, **names}
        for part in _compiled(template).generate(documents=None, **values):
            length += len(part)
            if length > LARGEST:
                raise UserError(_("The model's chat template is damaged: {error}.").format(error=_("it does not end")))
            found.append(part)
    except _RefusedError as error:
        raise UserError(_("The model's chat template refuses this chat: {error}").format(error=error)) from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(_("The model's chat template is damaged: {error}.").format(error=error)) from None
    return "".join(found)


class _RefusedError(Exception):
    """What a template says against a chat."""


@lru_cache(maxsize=16)
def _compiled(template: str) -> jinja2.Template:
    # As Transformers compiles it (utils/chat_template_utils.py): templates are written for these settings.
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the model wrote, for training; here it is nothing."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    return environment.from_string(template)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **more: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **more)


def _refuse(text: str) -> None:
    raise _RefusedError(str(text))


def _now(form: str) -> str:
    from datetime import datetime

    return datetime.now().astimezone().strftime(form)
