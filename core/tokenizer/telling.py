"""A tokenizer's report, and a comparison of two, in words and figures: what a screen or a terminal shows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..language import N_, labelled, ngettext
from ..language import gettext as _
from ..options import format_size
from ..sections import Section, with_content

SCRIPTS = (  # what those are called that most texts have; others keep the name that Unicode gives them
    N_("latin"),
    N_("cjk"),
    N_("hiragana"),
    N_("katakana"),
    N_("hangul"),
    N_("cyrillic"),
    N_("greek"),
    N_("arabic"),
    N_("hebrew"),
    N_("devanagari"),
    N_("thai"),
    N_("digits"),
    N_("other"),
    N_("bytes"),
)
SHOWN = 5  # rare or long pieces, scripts
PYTHON = "python"  # what an imported tokenizer is measured with where there is no corpus: Python's documentation


def headline(report: Mapping[str, Any], name: str) -> list[str]:
    """The two sentences that matter most."""
    made = (
        _("{name}: {type}, {pieces:,} pieces, learnt from {corpus}")
        if report["corpus"]
        else _("{name}: {type}, {pieces:,} pieces, imported from {corpus}")
    )
    measured = (
        _("On Python's documentation a piece stands for {bytes:.2f} bytes; {share:.1%} are single bytes.")
        if report.get("measured_corpus") == PYTHON and not report.get("measured_on")
        else _("On held-out text a piece stands for {bytes:.2f} bytes; {share:.1%} are single bytes.")
    )
    return [
        made.format(
            name=name,
            type=report["type"],
            pieces=report["vocab_size"],
            corpus=report["corpus"] or report.get("origin", "?"),
        ),
        measured.format(bytes=report["bytes_per_token"], share=report["spelled_in_bytes"]),
    ]


def sections(report: Mapping[str, Any], visible: Callable[[str], str]) -> list[Section]:
    """The whole report; what does not apply is not in it. `visible` shows a piece so that its white space is seen."""
    return with_content(
        [_text(report), _vocabulary(report, visible), _scripts(report), _choice(report), _remarks(report)]
    )


def _text(report: Mapping[str, Any]) -> Section:
    fields = [(_("bytes a piece"), f"{report['bytes_per_token']:.2f}")]
    if "characters_per_token" in report:
        fields.append((_("characters a piece"), f"{report['characters_per_token']:.2f}"))
    fields.append((_("spelled in bytes"), f"{report['spelled_in_bytes']:.2%}"))
    if report.get("unknown"):
        fields.append((_("lost"), f"{report['unknown']:.2%}"))
    if "lossless" in report:
        fields.append(
            (
                _("gives text back"),
                _("byte for byte") if report["lossless"] else _("not always as it was"),
            )
        )
    if "held_out_bytes" in report:
        fields.append((_("measured on"), format_size(report["held_out_bytes"])))
    return Section(_("How it cuts text"), fields)


def _vocabulary(report: Mapping[str, Any], visible: Callable[[str], str]) -> Section:
    section = Section(_("Vocabulary"), [(_("pieces"), f"{report['vocab_size']:,}")])
    if report.get("requested_vocab_size") not in (None, report["vocab_size"]):
        section.fields.append((_("asked for"), str(report["requested_vocab_size"])))
    if report.get("symbol"):
        section.fields.append((_("own symbols"), " ".join(map(visible, report["symbol"]))))
    if "learnt_pieces" in report:
        used = _("{share:.1%} of {pieces:,} in {size} of text").format(
            share=report["vocabulary_used"],
            pieces=report["learnt_pieces"],
            size=format_size(report["counted_bytes"]),
        )
        rare = "0"
        if report["rare_pieces"]:
            rare = _("{rare:,}, seen fewer than {below} times: {examples}").format(
                rare=report["rare_pieces"],
                below=report["rare_below"],
                examples=_listed(report["rare_examples"], visible),
            )
        section.fields += [
            (_("pieces used"), used),
            (_("rare pieces"), rare),
            (_("longest pieces"), _listed(report["longest_pieces"], visible)),
        ]
    return section


def _scripts(report: Mapping[str, Any]) -> Section:
    section = Section(_("Scripts"))
    if report.get("scripts"):
        section.table = [[_("script"), _("of the text"), _("bytes a piece")]] + [
            [_script(entry["script"]), f"{entry['share']:.2%}", f"{entry['bytes_per_token']:.2f}"]
            for entry in report["scripts"][:SHOWN]
        ]
    return section


def _script(name: str) -> str:
    return _(name) if name in SCRIPTS else name


def _choice(report: Mapping[str, Any]) -> Section:
    section = Section(_("Why this size"))
    if choice := report.get("choice"):
        section.table = [[_("pieces"), _("bytes a piece"), _("embedding's share"), _("work for a byte")]] + [
            [
                f"{entry['vocab_size']:,}",
                f"{entry['bytes_per_token']:.2f}",
                f"{entry['embedding_share']:.1%}",
                f"{entry['cost']:.2f}",
            ]
            for entry in choice["candidates"]
        ]
        section.lines = [choice["reason"]]
    return section


def _remarks(report: Mapping[str, Any]) -> Section:
    return Section(_("Remarks"), lines=list(report["remarks"]))


def _listed(pieces: Sequence[Mapping[str, Any]], visible: Callable[[str], str]) -> str:
    return " | ".join(visible(piece["text"]) for piece in pieces[:SHOWN])


def comparison_sections(found: Mapping[str, Any], visible: Callable[[str], str]) -> list[Section]:
    """A `Comparison`, as a mapping: the figures, and lines that the two cut most differently. "measured_on" is "val"
    in it where the text is held out.
    """
    sides = (found["first"], found["second"])
    held_out = found.get("measured_on") == "val"
    title = _("On {size} of held-out text") if held_out else _("On {size} of text")
    figures = Section(
        title.format(size=format_size(found["bytes"])),
        table=[
            ["", *(side["name"] for side in sides)],
            [_("pieces"), *(f"{side['pieces']:,}" for side in sides)],
            [_("bytes a piece"), *(f"{side['bytes_per_token']:.3f}" for side in sides)],
            [_("characters a piece"), *(f"{side['characters_per_token']:.3f}" for side in sides)],
            [_("spelled in bytes"), *(f"{side['spelled_in_bytes']:.2%}" for side in sides)],
            [_("pieces for the text"), *(f"{side['tokens']:,}" for side in sides)],
        ],
        lines=[
            ngettext("{number:,} piece is in both.", "{number:,} pieces are in both.", found["in_common"]).format(
                number=found["in_common"]
            )
        ],
    )
    examples = Section(_("Lines that they cut most differently"))
    for example in found["examples"]:
        if examples.lines:
            examples.lines.append("")
        for side, pieces in ((sides[0], example["first"]), (sides[1], example["second"])):
            examples.lines.append(labelled(f"{side['name']} ({len(pieces)})", "|".join(map(visible, pieces))))
    return with_content([figures, examples])
