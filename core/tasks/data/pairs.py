"""Records of translation: which columns are the source and the target, and in which languages they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...corpus.readers.base import NotTextError
from ...corpus.readers.columns import listed
from ...corpus.readers.records import value_of
from ...errors import UserError
from ...language import gettext as _
from ..base import Task
from .columns import Columns, by_name, check_fields, columns_of, filled, named, not_found
from .fields import text_of
from .languages import language_code, language_of_texts
from .options import DataOptions
from .ways import Row, UnfitError, Way

REVERSED = "reversed"  # in a record: it is a pair of the data the other way round
_LETTER = re.compile(r"[^\W\d_]")


def find_pairs(task: Task, sample: Sequence[Row], options: DataOptions) -> Way:
    """The way for rows like those of `sample`. Raises NotTextError where columns or languages are not found."""
    check_fields(options.columns, task, [field.name for field in task.fields])
    columns = columns_of(sample)
    wanted = Wanted(options)
    taken = named(options.columns, sample)
    if not taken:
        for name, values in columns.items():
            if any(_by_language(value) for value in values):
                return _of_mapping(name, wanted)
    taken = by_name(task.fields, columns, taken)
    if not ("source" in taken and "target" in taken):
        codes = {name: code for name in columns if (code := language_code(name)) and _has_words(columns[name])}
        if len(set(codes.values())) > 1 and not options.columns:
            return _of_columns(codes, wanted)
        worded = [name for name in columns if _has_words(columns[name]) and name not in taken.values()]
        lacking = [field for field in ("source", "target") if field not in taken]
        if len(worded) != len(lacking):
            raise not_found(lacking, columns)
        taken |= dict(zip(lacking, worded, strict=True))
    return _of_two(taken, columns, wanted)


class Wanted:
    """Which pairs of languages a person wants, and which way round."""

    def __init__(self, options: DataOptions):
        self.source = _asked(options.source_language, "--source-language")
        self.target = _asked(options.target_language, "--target-language")
        if self.source and self.source == self.target:
            raise UserError(_("--source-language and --target-language are the same."))
        self.both = options.both_directions

    def records(self, source: str, target: str, languages: tuple[str, str]) -> list[dict[str, Any]]:
        """The records of a pair of the data; none where its languages are not wanted."""
        forward, backward = self._fits(*languages), self._fits(*languages[::-1])
        if self.both:
            forward = backward = forward or backward
        elif forward:
            backward = False
        made = []
        if forward:
            made.append(_record(source, target, languages))
        if backward:
            made.append(_record(target, source, languages[::-1]) | {REVERSED: True})
        return made

    def _fits(self, source: str, target: str) -> bool:
        return self.source in (None, source) and self.target in (None, target)


def _asked(text: str | None, flag: str) -> str | None:
    if text is None:
        return None
    code = language_code(text)
    if code is None:
        raise UserError(
            _("{option} is {value}: it must be the code of a language, such as en or zh.").format(
                option=flag, value=text
            )
        )
    return code


def _record(source: str, target: str, languages: Sequence[str]) -> dict[str, Any]:
    return {"source": source, "target": target, "source_language": languages[0], "target_language": languages[1]}


# Texts by their languages.


def _by_language(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) > 1 and all(language_code(str(key)) for key in value)


def _of_mapping(column: str, wanted: Wanted) -> Way:
    def records(row: Row) -> list[dict[str, Any]]:
        value = row.get(column)
        if not isinstance(value, Mapping):
            raise UnfitError(_("its {field} is empty").format(field=column))
        return _of_texts({language_code(str(key)) or str(key): text for key, text in value.items()}, wanted)

    return Way({"source": column, "target": column}, records)


def _of_columns(codes: Mapping[str, str], wanted: Wanted) -> Way:
    def records(row: Row) -> list[dict[str, Any]]:
        return _of_texts({code: row.get(name) for name, code in codes.items()}, wanted)

    first, second = list(codes)[:2]
    return Way({"source": first, "target": second}, records)


def _of_texts(values: Mapping[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
    """The pairs of some texts that say the same: of the first with each other, or of those that are wanted."""
    texts = {code: text_of(value, code) for code, value in values.items()}
    if len(texts) < 2:
        raise UnfitError(_("it is in one language only"))
    first = next((code for code in (wanted.source, wanted.target) if code in texts), next(iter(texts)))
    order = list(texts)
    made, empty = [], []
    for code in order:
        if code == first:
            continue
        a, b = (first, code) if order.index(first) < order.index(code) else (code, first)
        pair = wanted.records(texts[a], texts[b], (a, b))
        if texts[a] and texts[b]:
            made += pair
        elif pair:
            empty.append(b if texts[a] else a)
    if empty and not made:
        raise UnfitError(_("its {field} is empty").format(field=empty[0]))
    return made


# A source and a target.


def _of_two(taken: dict[str, str], columns: Columns, wanted: Wanted) -> Way:
    told = {side: taken.get(f"{side}_language") for side in ("source", "target")}
    given = {"source": wanted.source, "target": wanted.target}
    found: dict[str, str] = {}
    for side in ("source", "target"):
        if not told[side] and not given[side]:
            code = language_of_texts(str(value) for value in columns.get(taken[side], ()) if filled(value))
            if code:
                found[side] = code
    fixed = {side: given[side] or found.get(side) for side in ("source", "target") if not told[side]}
    if not all(fixed.values()) or (len(fixed) == 2 and fixed["source"] == fixed["target"]):
        reason = _("the languages of {columns} are not known; give --source-language and --target-language")
        raise NotTextError(reason.format(columns=listed([taken["source"], taken["target"]])))

    def language(row: Row, side: str) -> str:
        column = told[side]
        text = fixed[side] if column is None else text_of(row.get(column), f"{side}_language")
        return language_code(text or "") or (text or "").lower()

    def records(row: Row) -> list[dict[str, Any]]:
        source, target = (text_of(value_of(row, taken[side]), side) for side in ("source", "target"))
        languages = (language(row, "source"), language(row, "target"))
        if not all(languages):
            return [_record(source, target, languages)]  # what is wrong with it is seen when it is checked
        return wanted.records(source, target, languages)

    sentence = _("By its texts, {column} is in the language {code}; {option} says otherwise.")
    said = [sentence.format(column=taken[side], code=code, option=f"--{side}-language") for side, code in found.items()]
    return Way(taken, records, said)


def _has_words(values: Sequence[Any]) -> bool:
    """Whether most of what is there is text with letters."""
    there = [value for value in values if filled(value)]
    return sum(isinstance(value, str) and bool(_LETTER.search(value)) for value in there) * 2 > len(there)
