"""What simple methods answer to the records of each task, having learnt from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .baselines import Nearest, Rarity, Telling, lead, majority, mean_words, parts, retrieve
from .dictionary import Dictionary
from .records import Record, asked, direction, right_ones

# The name of the method, and its answers.
Simple = tuple[str, Sequence[Record]]


def commonest_label(records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    """The commonest label, for each."""
    if not training:
        return None
    return "majority", [{"label": majority(str(record["label"]) for record in training)}] * len(records)


def first_sentences(records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    """The beginning, as long as the summaries learnt from are on average."""
    if not training:
        return None
    words = mean_words([str(record["summary"]) for record in training])
    return "lead", [{"text": lead(asked("summary", record), words)} for record in records]


def best_sentence(records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    """The part of the context that has the telling words of the question; or the rare ones, with nothing learnt.

    Where no record has a context, it is the answer to the most similar question.
    """
    contexts = [_context(record) for record in records]
    if not any(contexts):
        return _nearest("qa", records, training)
    telling = Telling((asked("qa", record), _context(record), right_ones("qa", record)) for record in training)
    weight = telling.of if telling else Rarity(part for context in contexts for part in parts(context)).of
    return "sentence", [
        {"text": retrieve(asked("qa", record), context, weight)}
        for record, context in zip(records, contexts, strict=True)
    ]


def _context(record: Record) -> str:
    return str(record.get("context") or "")


def word_by_word(records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    """Each word by itself, with a dictionary for each pair of languages."""
    if not training:
        return None
    dictionaries = {
        one: Dictionary.learn(
            (asked("translate", record), right_ones("translate", record)[0])
            for record in training
            if direction(record) == one
        )
        for one in {direction(record) for record in records}
    }
    return "dictionary", [
        {"text": dictionaries[direction(record)].translate(asked("translate", record))} for record in records
    ]


def nearest_reply(records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    """The reply to the most similar message."""
    return _nearest("chat", records, training)


def _nearest(task: str, records: Sequence[Record], training: Sequence[Record]) -> Simple | None:
    if not training:
        return None
    nearest = Nearest(
        [asked(task, record) for record in training], [right_ones(task, record)[0] for record in training]
    )
    return "nearest", [{"text": nearest.answer(asked(task, record))} for record in records]


SIMPLE: dict[str, Callable[[Sequence[Record], Sequence[Record]], Simple | None]] = {
    "classify": commonest_label,
    "qa": best_sentence,
    "summary": first_sentences,
    "translate": word_by_word,
    "chat": nearest_reply,
}
