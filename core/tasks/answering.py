"""Answering a question from passages of a person's documents, or saying that they have no answer.

A request is {"question", and "knowledge": the folder of a knowledge base, or "context": a text; "passages": how many
are looked at}; done is {"text", "found", "way": "taught", "asked" or "sentence", "passages": [{source, page, text,
relevance}]}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..chat import encode_chat
from ..errors import UserError
from ..knowledge.searching import Found, is_answered
from ..knowledge.store import Knowledge
from ..language import gettext as _
from .base import Record
from .encoding import encode_question
from .performing import Performer, Told, untaught
from .qa import NOT_FOUND, QuestionAnswering

PASSAGES = 5  # that are shown
READ = 3  # of them, at most, that a model reads
NOTHING = {"text": "", "found": False}


def perform(performer: Performer, request: Mapping[str, Any]) -> Iterator[Told]:
    """Answer. Raises UserError and Cancelled."""
    question = str(request["question"]).strip()
    if not question:
        raise UserError(_("There is no question."))
    if request.get("knowledge"):
        base = Knowledge.at(Path(str(request["knowledge"])))
        found = base.search(question, int(request.get("passages") or PASSAGES))
        passages = [_told(each) for each in found]
        yield {"passages": passages}
        if not is_answered(found):
            yield {"done": {**NOTHING, "way": "search", "passages": passages}}
            return
        texts = [each.passage.text for each in found if each.is_relevant]
    elif str(request.get("context") or "").strip():
        base, passages, texts = None, [], [str(request["context"]).strip()]
    else:
        base, passages, texts = None, [], [""]
    taught = "qa" in performer.taught
    if not taught and not performer.chats:
        yield from _best_sentence(performer, base, question, texts, passages)
        return
    if not taught:
        yield {"notice": untaught(performer, "qa")}
        if base is not None:  # what matters of each: a small model that reads all of it takes the wrong part
            texts = [base.best_sentence(question, text) for text in texts[:READ]]
    record = {"question": question, "context": _context(performer, question, texts)}
    text = yield from performer.write(_task(taught), _task(taught).question(record))
    refused = NOT_FOUND.rstrip(".").lower() in text.lower()
    way = "taught" if taught else "asked"
    yield {"done": {"text": "" if refused else text, "found": not refused, "way": way, "passages": passages}}


class _Asked(QuestionAnswering):
    """The question to a model that was not taught to answer from a text."""

    def question(self, record: Record) -> list[Any]:
        if not record.get("context"):
            return [{"role": "user", "content": str(record["question"])}]
        # Of five ways to say it, SmolLM2-135M keeps to the text most often with this one. When it may refuse, it
        # refuses what it could answer: whether there is an answer, the search says.
        return [
            {"role": "system", "content": "You answer questions with the words of the text that you are given."},
            {"role": "user", "content": f"Text: {record['context']}\n\nQuestion: {record['question']}"},
        ]


def _task(taught: bool) -> QuestionAnswering:
    return QuestionAnswering() if taught else _Asked()


def _context(performer: Performer, question: str, texts: list[str]) -> str:
    """The best passages, as many as the model has room for; of the first one what fits."""
    task, tokenizer = QuestionAnswering(), performer.writer.tokenizer
    room = performer.room
    chosen = texts[:1]
    for text in texts[1:READ]:
        record = {"question": question, "context": "\n\n".join([*chosen, text])}
        if len(encode_chat(tokenizer, task.question(record))) > room:
            break
        chosen.append(text)
    context = "\n\n".join(chosen)
    tokens = tokenizer.encode(context)
    while tokens and len(encode_chat(tokenizer, task.question({"question": question, "context": context}))) > room:
        tokens = tokens[: int(len(tokens) * 0.9)]
        context = tokenizer.decode(tokens).rstrip("\ufffd")
    encode_question(task, tokenizer, {"question": question, "context": context}, room)  # raises where nothing helps
    return context


def _best_sentence(
    performer: Performer, base: Knowledge | None, question: str, texts: list[str], passages: list[dict[str, Any]]
) -> Iterator[Told]:
    if base is None:
        raise UserError(
            _("{model} was not taught to answer. Teach it: newleaf finetune {model} DATA --task qa --name NAME").format(
                model=performer.name
            )
        )
    yield {
        "notice": _("{model} was not taught to answer: this is the sentence of the best passage.").format(
            model=performer.name
        )
    }
    text = base.best_sentence(question, texts[0])
    yield {"delta": {"index": 0, "text": text}}
    yield {"done": {"text": text, "found": True, "way": "sentence", "passages": passages}}


def _told(found: Found) -> dict[str, Any]:
    passage = found.passage
    return {
        "source": passage.source,
        "page": passage.page,
        "heading": passage.heading,
        "text": passage.text,
        "relevance": found.relevance,
    }
