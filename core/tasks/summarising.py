"""Summing up a text of any length: section by section, and then what was said of the sections.

A request is {"text", "words" (about how many; the model's own way without it), "style": "prose" or "bullets"}; done is
{"text", "sections", "way": "taught", "asked" or "extract"}.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..chat import Message, encode_chat
from ..errors import UserError
from ..language import gettext as _
from ..sentences import join_sentences, split_sentences
from ..tokenizer.tokenizer import Tokenizer
from .performing import Performer, Told, untaught
from .summary import Summary

STYLES = ("prose", "bullets")
EXTRACTED = 3  # sentences, where no length is asked for
WORDS_A_SENTENCE = 20
SHORTER = 0.9  # summaries of summaries are taken where they are shorter than this share: each time it comes to an end
# What a small model falls into: the same sentence again and again. So many tokens are longer than what it takes over.
NO_LOOPS = {"no_repeat_ngram_size": 12}
SMALL, KEY_SENTENCES = 500_000_000, 8  # parameters; SmolLM2-135M mixes up what a whole page says
TAUGHT_WORDS = 12  # of a summary, where a model does not remember how long those were that it learnt


def perform(performer: Performer, request: Mapping[str, Any]) -> Iterator[Told]:
    """Sum up. Raises UserError and Cancelled."""
    text, style, words = str(request["text"]).strip(), request.get("style") or "prose", request.get("words")
    if not text:
        raise UserError(_("There is nothing to sum up: give a text."))
    if "summary" not in performer.taught and not performer.chats:
        yield from _extract(performer, text, style, words)
        return
    taught = "summary" in performer.taught
    if not taught:
        yield {"notice": untaught(performer, "summary")}
        performer = replace(performer, options={**NO_LOOPS, **performer.options})
        text = _of_what_matters(performer, text)
    sections = _sections(performer, text, style, words, taught)
    found: list[str] = []
    for number, section in enumerate(sections, 1):
        performer.check_cancelled()
        if len(sections) == 1 and style == "prose" and taught:
            summary = yield from performer.write(Summary(), _question(section, style, words, taught))
            yield {"done": {"text": summary, "sections": 1, "way": "taught"}}
            return
        found.append(_said(performer, section, style, words if len(sections) == 1 else None, taught))
        if len(sections) > 1:
            yield {"reading": {"done": number, "total": len(sections)}}
    joined = yield from _joined(performer, found, style, words, taught)
    yield {"done": {"text": joined, "sections": len(sections), "way": "taught" if taught else "asked"}}


def _of_what_matters(performer: Performer, text: str) -> str:
    """For a small model, which loses itself in what it reads, of each part the sentences that say most of it."""
    if performer.writer.model.config.parameters >= SMALL:
        return text
    from .extracts import extract

    parts = _fitting(performer, text, performer.room)
    return "\n\n".join(join_sentences(extract(part, KEY_SENTENCES)) for part in parts)


def _said(performer: Performer, text: str, style: str, words: int | None, taught: bool) -> str:
    """The summary of a section. Of a model that was not taught when to end, as many sentences as were wanted."""
    summary = performer.whole(Summary(), _question(text, style, words, taught))
    if taught or style != "prose":
        return summary
    wanted = max(1, round(words / WORDS_A_SENTENCE)) if words else EXTRACTED
    whole = [sentence for sentence, _after in split_sentences(summary)]
    if len(whole) > 1 and whole[-1][-1:] not in ".!?。！？":  # where it was cut off
        whole.pop()
    return join_sentences(list(dict.fromkeys(whole))[:wanted])


def _joined(
    performer: Performer, found: list[str], style: str, words: int | None, taught: bool
) -> Generator[Told, None, str]:
    """What was said of the sections as one text; summed up again where it is longer than wanted."""
    if style == "bullets":
        items = [line.strip().lstrip("-*• ").strip() for summary in found for line in summary.split("\n")]
        joined = "\n".join(f"- {item}" for item in dict.fromkeys(items) if item)
    else:
        joined = join_sentences(dict.fromkeys(found))
        wanted = words or (TAUGHT_WORDS if taught else 4 * WORDS_A_SENTENCE)
        if not taught and len(joined.split()) > 2 * wanted:
            parts = _fitting(performer, joined, performer.room)
            again = [_said(performer, part, style, words if len(parts) == 1 else None, taught) for part in parts]
            if sum(map(len, again)) < SHORTER * len(joined):
                return (yield from _joined(performer, again, style, words, taught))
    yield {"delta": {"index": 0, "text": joined}}
    return joined


def _question(text: str, style: str, words: int | None, taught: bool) -> list[Message]:
    if taught:
        return list(Summary().question({"document": text}))
    # The instruction stands before the text: small models that read it first keep to the text better.
    how = "Summarize this text"
    if style == "bullets":
        how += " as a short list of points"
    how += f" in about {words} words" if words else " in two or three sentences"
    return [{"role": "user", "content": f"{how}:\n\n{text}"}]


def _sections(performer: Performer, text: str, style: str, words: int | None, taught: bool) -> list[str]:
    """The text in as many sections as the model cannot read at once, or as the length wanted takes."""
    room = performer.room
    sections = _fitting(performer, text, room)
    if taught and (words or style == "bullets"):
        wanted = max(1, round((words or 4 * TAUGHT_WORDS) / TAUGHT_WORDS))
        if wanted > len(sections):
            tokens = len(performer.writer.tokenizer.encode(text))
            sections = _fitting(performer, text, max(32, tokens // wanted + 24))
    return sections


def _fitting(performer: Performer, text: str, room: int) -> list[str]:
    """The text in parts whose questions take at most `room` tokens, cut between sentences, or within one too long."""
    tokenizer = performer.writer.tokenizer
    overhead = len(encode_chat(tokenizer, _question("", "prose", 100, False)))
    most = max(16, room - overhead)
    pieces: list[tuple[str, int]] = []
    for sentence, after in split_sentences(text):
        pieces += _halved(tokenizer, sentence + after, most)
    parts, size, total = [""], 0, sum(length for _piece, length in pieces)
    even = -(-total // max(1, -(-total // most)))  # parts of about the same size
    for piece, length in pieces:
        if (size and size + length > most) or size >= even:
            parts.append("")
            size = 0
        parts[-1] += piece
        size += length
    return [part.strip() for part in parts if part.strip()]


def _halved(tokenizer: Tokenizer, text: str, most: int) -> Iterator[tuple[str, int]]:
    """A text in pieces of at most `most` tokens, with how many; cut at spaces where there are some."""
    size = len(tokenizer.encode(text))
    if size <= most or len(text) < 2:
        yield text, size
        return
    middle = len(text) // 2
    place = text.find(" ", middle, middle + middle // 2) + 1 or middle
    yield from _halved(tokenizer, text[:place], most)
    yield from _halved(tokenizer, text[place:], most)


def _extract(performer: Performer, text: str, style: str, words: int | None) -> Iterator[Told]:
    """The sentences of the text that say most of it."""
    from .extracts import extract

    yield {
        "notice": _("{model} was taught no summaries: these are the text's own sentences that say most.").format(
            model=performer.name
        )
    }
    number = max(1, round(words / WORDS_A_SENTENCE)) if words else EXTRACTED
    sentences = extract(text, number)
    joined = "\n".join(f"- {each}" for each in sentences) if style == "bullets" else join_sentences(sentences)
    yield {"delta": {"index": 0, "text": joined}}
    yield {"done": {"text": joined, "sections": 1, "way": "extract"}}
