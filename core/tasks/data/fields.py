"""Records that are a text for each field: questions, summaries, classification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...corpus.readers.base import Place, place_text
from ...corpus.readers.records import value_of
from ...language import gettext as _
from ..base import Task
from ..qa import NOT_FOUND
from .columns import by_content, by_name, check_fields, columns_of, filled, named, not_found
from .options import DataOptions
from .ways import Row, UnfitError, Way


def find_fields(task: Task, sample: Sequence[Row], options: DataOptions) -> Way:
    """The way for rows like those of `sample`. Raises NotTextError where columns are not found."""
    check_fields(options.columns, task, [field.name for field in task.fields])
    columns = columns_of(sample)
    taken = by_name(task.fields, columns, named(options.columns, sample))
    taken = by_content(task, columns, taken)
    lacking = [field.name for field in task.fields if field.needed and field.name not in taken]
    if lacking:
        raise not_found(lacking, columns)
    converters = [
        (field.name, taken[field.name], _CONVERTERS.get((task.name, field.name), text_of))
        for field in task.fields
        if field.name in taken
    ]
    absent = {field.name: "" for field in task.fields if field.name not in taken}

    def records(row: Row) -> list[dict[str, Any]]:
        record: dict[str, Any] = {
            name: convert(value_of(row, column), name) for name, column, convert in converters
        } | absent
        if "answer" in taken and len(answers := _answers(value_of(row, taken["answer"]), "answer")) > 1:
            record["answers"] = answers
        return [record]

    return Way({name: taken[name] for name, _column, _convert in converters}, records)


def text_of(value: Any, field: str) -> str:
    """A text, or the texts of a list one below the other. Raises UnfitError for what is none."""
    if isinstance(value, str):
        return value.strip()
    if not filled(value):
        return ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "\n".join(value).strip()
    raise UnfitError(_("its {field} is no text").format(field=field))


def _plain(value: Any, field: str) -> str:
    """A text, or a number or truth as a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and filled(value):
        return str(value)
    return text_of(value, field)


def _label(value: Any, field: str) -> str:
    if isinstance(value, list):
        if len(value) > 1:
            raise UnfitError(_("it has several labels"))
        value = value[0] if value else None
    return _plain(value, field)


def _answers(value: Any, field: str) -> list[str]:
    """All right answers once: of a text, of a list, or of what SQuAD has: {"text": [...], "answer_start": [...]}."""
    if isinstance(value, Mapping):
        texts = value.get("text")
        return [NOT_FOUND] if texts == [] else _answers(texts, field)
    if isinstance(value, list):
        found = [answer for each in value for answer in _answers(each, field)]
        return list(dict.fromkeys(answer for answer in found if answer))
    return [_plain(value, field)]


def _answer(value: Any, field: str) -> str:
    """The first of them, which is what is taught."""
    return next(iter(_answers(value, field)), "")


_CONVERTERS: dict[tuple[str, str], Callable[[Any, str], str]] = {
    ("classify", "label"): _label,
    ("qa", "answer"): _answer,
}


def flattened(place: Place, row: Any) -> Iterator[tuple[Place | str, Any]]:
    """The questions of an article, or of a paragraph, of SQuAD's files, 1.1 and 2.0; another row as it is."""
    if not isinstance(row, Mapping):
        yield place, row
    elif isinstance(row.get("paragraphs"), list):
        number = 0
        for paragraph in row["paragraphs"]:
            for question in _questions(paragraph):
                number += 1
                yield _("{place}, question {number}").format(place=place_text(place), number=number), question
    elif isinstance(row.get("qas"), list):
        for number, question in enumerate(_questions(row), 1):
            yield _("{place}, question {number}").format(place=place_text(place), number=number), question
    else:
        yield place, row


def _questions(paragraph: Any) -> Iterator[Any]:
    asked = paragraph.get("qas") if isinstance(paragraph, Mapping) else None
    for question in asked if isinstance(asked, list) else [None]:
        if not isinstance(question, Mapping):
            yield question
            continue
        answers = NOT_FOUND if question.get("is_impossible") is True else question.get("answers")
        yield {"question": question.get("question"), "context": paragraph.get("context"), "answers": answers}
