"""A corpus's report in words, for a terminal: the command line and the app show the same."""

from __future__ import annotations

from typing import Any

from ..language import N_, labelled, ngettext
from ..language import gettext as _
from ..options import format_size
from ..sections import Section, with_content
from .cleaning.dropped import reason_text
from .store import Corpus

LARGEST = 10  # sources that are shown
LEFT_OUT = 10  # files and parts of them that are shown
BAR = 30  # characters of the longest bar
LANGUAGES = {"und": N_("not clear"), "en": N_("English"), "zh": N_("Chinese")}  # the others by their code


class Caption(str):
    """A line that says what the next ones are."""


class Removed(str):
    """A line with what there was before."""


class Added(str):
    """A line with what there is now."""


class Bar(str):
    """A line with a bar as long as what it counts."""


def sections(corpus: Corpus, bar: int = BAR) -> list[Section]:
    """The whole report; what does not apply is not in it. `bar` is how many characters the longest bar has."""
    report = corpus.report
    return with_content(
        [
            _text(corpus, report),
            _sources(report),
            _lengths(report, bar),
            _cleaning(report),
            _duplicates(report),
            _left_out(report),
            _samples(report),
        ]
    )


def left_out(skipped: dict[str, str]) -> str:
    """The sentence for a file, or a part of one, that was left out."""
    if skipped["where"]:
        return _("Left out {where} of {source}: {reason}.").format(**skipped)
    return _("Left out {source}: {reason}.").format(source=skipped["source"], reason=skipped["reason"])


def step_name(name: str) -> str:
    """What a step does, in words."""
    from .cleaning.steps import STEPS  # whose patterns take their time: when a report has steps

    return next((_(step.description) for step in STEPS if step.name == name), name)


def _text(corpus: Corpus, report: dict[str, Any]) -> Section:
    total, train, held_out = corpus.manifest.total, corpus.manifest.train, corpus.manifest.val
    languages = ", ".join(
        f"{_(LANGUAGES[code]) if code in LANGUAGES else code} {share:.0%}"
        for code, share in report["languages"].items()
        if share >= 0.005
    )
    fields = [
        (_("to train on"), amount(train.documents, train.bytes)),
        (_("held out"), amount(held_out.documents, held_out.bytes)),
        (_("characters"), f"{total.characters:,}"),
        (_("tokens, about"), f"{report['estimated_tokens']:,}"),
        (_("languages"), languages),
    ]
    alike = _("Most documents are much alike: those held out resemble those that are trained on.")
    return Section(_("Text"), [item for item in fields if item[1]], [alike] if report["held_out_is_alike"] else [])


def amount(documents: int, size_bytes: int) -> str:
    """So many documents of so many bytes."""
    words = ngettext("{documents:,} document, {size}", "{documents:,} documents, {size}", documents)
    return words.format(documents=documents, size=format_size(size_bytes))


def _sources(report: dict[str, Any]) -> Section:
    fields = [(_("how many"), f"{report['sources']:,}")]
    if any(report["formats"]):
        fields.append((_("formats"), _counted(report["formats"])))
    if report["encodings"]:
        fields.append((_("encodings"), _counted(report["encodings"])))
    if report["unreadable_characters"]:
        fields.append((_("unreadable characters"), f"{report['unreadable_characters']:,}"))
    lines = []
    for source in report["largest_sources"][:LARGEST]:
        details = [amount(source["documents"], source["bytes"])]
        if source.get("column"):
            details.append(_("column {name}").format(name=source["column"]))
        lines.append(labelled(source["source"], ", ".join(details)))
    return Section(_("Sources"), fields, lines if report["sources"] > 1 else lines[:1])


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" if len(counts) > 1 else name for name, count in counts.items() if name)


def _lengths(report: dict[str, Any], longest: int) -> Section:
    lengths = report["lengths"]
    if not lengths:
        return Section("")
    most = max(lengths["histogram"].values())
    bars = [
        Bar(f"{int(end) // 2:>9,} - {int(end) - 1:<9,} {'█' * max(1, round(longest * count / most))} {count:,}")
        for end, count in lengths["histogram"].items()
    ]
    summary = _("shortest {shortest:,}, median {median:,}, nine of ten up to {nine_tenths:,}, longest {longest:,}")
    return Section(_("Characters of a document"), [], [summary.format(**lengths), *bars])


def _cleaning(report: dict[str, Any]) -> Section:
    fields: list[tuple[str, str]] = []
    lines: list[str] = []
    for name, step in report["cleaning"]["steps"].items():
        said = [_("{number:,} texts changed").format(number=step["changed"])] if step["changed"] else []
        said += [
            _("{number:,} dropped: {reason}").format(number=number, reason=reason_text(reason))
            for reason, number in step["dropped"].items()
        ]
        if said:
            fields.append((step_name(name), "; ".join(said)))
            lines += _example(name, step["examples"])
    return Section(_("Cleaning"), fields, lines)


def _example(step: str, examples: list[dict[str, str]]) -> list[str]:
    if not examples:
        return []
    example = examples[0]
    head = f"{step_name(step)} ({example['source']})" if example["source"] else step_name(step)
    lines = ["", Caption(labelled(head, "").rstrip()), Removed("- " + visible(example["before"]))]
    return lines if example["reason"] else [*lines, Added("+ " + visible(example["after"]))]


def visible(text: str) -> str:
    """A snippet in one line, in which what cannot be seen is spelled."""
    names = {"\n": "⏎", "\t": "⇥"}
    return "".join(
        names.get(character) or (character if character.isprintable() else f"\\u{ord(character):04x}")
        for character in text
    )


def _duplicates(report: dict[str, Any]) -> Section:
    fields: list[tuple[str, str]] = []
    lines: list[str] = []
    if report["duplicates"]:
        fields.append((_("exact"), _("{number:,} dropped").format(number=report["duplicates"])))
    if report["near_duplicates"]:
        words = _("{number:,} dropped") if report["near_duplicates_dropped"] else _("{number:,} kept")
        fields.append((_("near"), words.format(number=report["near_duplicates"])))
        for pair in report["near_duplicate_examples"][:1]:
            lines += ["", Caption(_("One of them, and what it resembles:")), Removed("- " + visible(pair["text"]))]
            lines.append(Added("+ " + visible(pair["like"])))
    return Section(_("Duplicates"), fields, lines)


def _left_out(report: dict[str, Any]) -> Section:
    lines = [left_out(skipped) for skipped in report["skipped"][:LEFT_OUT]]
    more = report["skipped_in_all"] - len(lines)
    if more:
        lines.append(_("So were {number:,} more.").format(number=more))
    return Section(_("Left out"), [], lines)


def _samples(report: dict[str, Any]) -> Section:
    lines: list[str] = []
    for sample in report["samples"]:
        lines += [*sample.strip("\n").split("\n"), "", "· · ·", ""]
    return Section(_("Samples"), [], lines[:-3])
