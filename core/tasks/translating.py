"""Translating a text: sentence by sentence, with its lines, lists and empty lines as they are.

A request is {"text", "to", "from" (found where there is a choice)}; done is {"text", "from", "to", "sentences"}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from ..sentences import split_sentences
from .data.languages import language_code, language_of_texts
from .performing import Performer, Told, cannot, untaught
from .translation import Translation, language_name

# What stands before the text of a line: white space, and what makes it an item of a list, a heading or a quotation.
_BEGIN = re.compile(r"\s*(?:(?:[-*+•>#|]+|\d+[.)])\s+)*")
_UNSPACED = ("zh", "ja", "th", "lo", "km", "my")


def perform(performer: Performer, request: Mapping[str, Any]) -> Iterator[Told]:
    """Translate. Raises UserError and Cancelled."""
    text = str(request["text"])
    if not text.strip():
        raise UserError(_("There is nothing to translate: give a text."))
    source, target = find_languages(performer, text, request.get("from"), request.get("to"))
    if "translate" not in performer.taught:
        yield {"notice": untaught(performer, "translate")}
    lines = text.split("\n")
    total = max(1, sum(map(len, lines)))
    done, written, number = 0, [], 0
    for place, line in enumerate(lines):
        for piece, translated in _line(performer, line, source, target):
            performer.check_cancelled()
            number += translated
            written.append(piece)
            yield {"delta": {"index": 0, "text": piece}}
        done += len(line)
        if place + 1 < len(lines):
            written.append("\n")
            yield {"delta": {"index": 0, "text": "\n"}}
        yield {"reading": {"done": done, "total": total}}
    yield {"done": {"text": "".join(written), "from": source, "to": target, "sentences": number}}


def _line(performer: Performer, line: str, source: str, target: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a line, and whether each was translated."""
    match = _BEGIN.match(line)
    begin = match[0] if match else ""
    if begin:
        yield begin, False
    task, unspaced = Translation(), target.split("-")[0] in _UNSPACED
    sentences = split_sentences(line[len(begin) :])
    for number, (sentence, after) in enumerate(sentences, 1):
        if not any(character.isalpha() for character in sentence):
            yield sentence + after, False
            continue
        for place, part in enumerate(parts := list(_fitting(performer, task, sentence, source, target))):
            record = {"source": part, "source_language": source, "target_language": target}
            yield performer.whole(task, task.question(record)), True
            if place + 1 < len(parts):
                yield "" if unspaced else part[len(part.rstrip()) :] or " ", False
        if number < len(sentences):
            yield "" if unspaced else after or " ", False
        elif after:
            yield after, False


def _fitting(performer: Performer, task: Translation, sentence: str, source: str, target: str) -> Iterator[str]:
    """A sentence, in parts where the model cannot read all of it: at commas, or else at words."""
    from ..chat import encode_chat

    record = {"source": sentence, "source_language": source, "target_language": target}
    # A translation may be as long as its source: each takes half of what the model sees.
    room = performer.writer.model.config.context // 2
    if len(encode_chat(performer.writer.tokenizer, task.question(record))) <= room or len(sentence) < 2:
        yield sentence
        return
    middle = len(sentence) // 2
    places = [match.end() for match in re.finditer(r"[,;:，；：、]\s*|\s+", sentence)] or [middle]
    cut = min((place for place in places if 0 < place < len(sentence)), key=lambda at: abs(at - middle), default=middle)
    yield from _fitting(performer, task, sentence[:cut], source, target)
    yield from _fitting(performer, task, sentence[cut:], source, target)


def find_languages(performer: Performer, text: str, source: Any, target: Any) -> tuple[str, str]:
    """From which language to which, of those that the model knows. Raises UserError."""
    pairs: Sequence[Sequence[str]] = performer.taught.get("translate", {}).get("languages", ())
    source, target = (_code(value) for value in (source, target))
    if not pairs:
        if not performer.chats:
            raise cannot(performer, "translate")
        if target is None:
            raise UserError(_("Say into which language: --to zh"))
        return source or language_of_texts([text]) or "en", target
    fitting = [pair for pair in pairs if (source or pair[0]) == pair[0] and (target or pair[1]) == pair[1]]
    if not fitting:
        raise UserError(
            _("{model} was not taught to translate from {source} to {target}; it knows: {pairs}.").format(
                model=performer.name,
                source=language_name(source) if source else _("any language"),
                target=language_name(target) if target else _("any language"),
                pairs=", ".join(f"{first} → {second}" for first, second in pairs),
            )
        )
    if len(fitting) > 1:
        found = language_of_texts([text])
        fitting = [pair for pair in fitting if pair[0] == found] or fitting
    if len({pair[1] for pair in fitting}) > 1:
        raise UserError(
            _("Say into which language: --to {languages}").format(languages="|".join(pair[1] for pair in fitting))
        )
    return fitting[0][0], fitting[0][1]


def _code(value: Any) -> str | None:
    if not value:
        return None
    code = language_code(str(value))
    if code is None:
        raise UserError(_("{value} is no language; write a code such as en or zh.").format(value=value))
    return code
