"""A chat as a model reads it: the messages in the words of the template that came with it.

A template is a Jinja program of Hugging Face's kind. It runs in a sandbox, and only what the template itself writes can
become a control symbol: the same characters in a message are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

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
    """The tokens of a chat, with the beginning of an answer after it: what its last message has written of one, where
    that is the assistant's and has a true "prefix". Raises UserError for messages of another form, and what the
    template says against them."""
    _check(messages)
    if answer and messages[-1]["role"] == "assistant" and messages[-1].get("prefix"):
        before, said = render_parts(tokenizer, messages[:-1], messages[-1])
        while said and said[-1] in tokenizer.end:
            said.pop()
        return before + said
    marked = _Marked(tokenizer)
    return marked.encode(marked.text(messages, answer))


def render_parts(tokenizer: Tokenizer, messages: Sequence[Message], answer: Message) -> tuple[list[int], list[int]]:
    """The tokens of a chat with the beginning of an answer, as `encode_chat` gives them, and of all of the answer that
    follows it, up to the token that ends it. Raises UserError."""
    _check([*messages, answer])
    marked = _Marked(tokenizer)
    before, whole = marked.text(messages, True), marked.text([*messages, answer], False)
    if not whole.startswith(before):  # the template begins an answer in another way than it writes one
        before, whole = "", whole.removeprefix(marked.text(messages, False))
        first = encode_chat(tokenizer, messages)
    else:
        first = marked.encode(before)
    said = marked.encode(whole[len(before) :], begins=False)
    ends = [place for place, token in enumerate(said) if token in tokenizer.end]
    end = sorted(tokenizer.end)[:1] if not ends else []
    return first, said[: ends[-1] + 1] if ends else said + end


class _Marked:
    """Chats in the words of a tokenizer's template, in which control symbols are only those of the template itself."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.kept: list[str] = []  # symbols that stand in messages; the template sees a place for each

    def text(self, messages: Sequence[Message], answer: bool) -> str:
        """The chat, with places for what looks like a symbol."""
        template = self.tokenizer.chat_template
        if template is None:
            return _plain(messages, answer)
        marked = [{"role": message["role"], "content": self._mark(message["content"])} for message in messages]
        return render(template, marked, self.tokenizer.symbol_names, answer)

    def _mark(self, text: str) -> str:
        def keep(match: re.Match[str]) -> str:
            if match[0] not in self.kept:
                self.kept.append(match[0])
            return f"{_SEAM}{self.kept.index(match[0])}{_SEAM}"

        return self.tokenizer.special_pattern.sub(keep, text.replace(_SEAM, "\ufffd"))

    def encode(self, text: str, begins: bool = True) -> list[int]:
        """The tokens of such a text, or of a part of one."""
        tokenizer = self.tokenizer
        if tokenizer.chat_template is None:
            tokens = tokenizer.encode(text)
            return tokens if tokenizer.begin is None or not begins else [tokenizer.begin, *tokens]
        if not self.kept:
            return tokenizer.encode_marked(text)
        tokens = []
        for index, part in enumerate(tokenizer.special_pattern.split(text)):
            if index % 2:
                tokens.append(tokenizer.special[part])
            elif part:
                tokens += tokenizer.encode(_PLACE.sub(lambda match: self.kept[int(match[1])], part))
        return tokens


class Shortened(NamedTuple):
    """The tokens of a chat that are left, how many the whole chat has, and how many messages are left out."""

    tokens: list[int]
    whole: int
    left_out: int


def shortened(tokenizer: Tokenizer, messages: Sequence[Message], room: int) -> Shortened:
    """The tokens of a chat that fit into `room`.

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
    return Shortened(tokens, whole, begin - system)


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
