"""What an import would find and change, drawn for a pane of so many columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len, chop_cells
from textual.content import Content

from ..core.corpus.comparing import changed_lines
from ..core.corpus.telling import step_name, visible
from ..core.language import gettext as _
from ..core.language import labelled, ngettext
from ..core.options import format_size

BESIDE = 76  # columns from which on before and after stand beside each other
MOST_LINES = 6  # of a document, where it changes
FIRST_FILES = {False: 2, True: 5}  # that are told of before what cleaning does, where it is narrow or wide
WIDE = 60  # columns
BEGINNING = 600  # characters of a text that is left as it is
BEFORE, AFTER, MUTED = "$text-error", "$text-success", "$foreground-muted"


def preview_content(files: list[dict[str, Any]] | None, tried: dict[str, Any] | None, columns: int) -> Content:
    """The files, what cleaning would do to some documents, and then the other files and how the first one begins."""
    told = list(map(_file_line, _looked_into(files or [])))
    lines: list[Content] = []
    first_files = FIRST_FILES[columns >= WIDE]
    if files is not None:
        lines += [Content.styled(_files_in_all(files), "bold"), *told[:first_files]]
        if len(told) > first_files:
            lines.append(Content.styled("  " + _("... the others are further down"), MUTED))
    if tried is not None:
        lines += [*([Content("")] if lines else []), *_tried(tried, columns)]
    if len(told) > first_files:
        lines += [Content(""), Content.styled(_("The files"), "bold"), *told]
        more = len(files or []) - len(told)
        if more > 0:
            lines.append(Content("  " + _("and {number:,} more, not looked into yet").format(number=more)))
    if (first := next((file for file in files or [] if file.get("text", "").strip()), None)) is not None:
        lines += [Content(""), Content.styled(_("{source} begins:").format(source=first["source"]), "bold")]
        lines.append(Content(first["text"].strip("\n")[:BEGINNING]))
    return Content("\n").join(lines)


def _files_in_all(files: list[dict[str, Any]]) -> str:
    found = ngettext("{number:,} file, {size}", "{number:,} files, {size}", len(files))
    text = found.format(number=len(files), size=format_size(sum(file["bytes"] for file in files)))
    left_out = sum("error" in file for file in files)
    return text + ("; " + _("{number:,} cannot be read").format(number=left_out) if left_out else "")


def _looked_into(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that cannot be read come first."""
    looked = [file for file in files if "error" in file or "text" in file]
    return sorted(looked, key=lambda file: "error" not in file)


def _file_line(file: dict[str, Any]) -> Content:
    if "error" in file:
        reason = _("left out: {reason}").format(reason=file["error"].rstrip("."))
        return Content.assemble("  ", file["source"], "  ", (reason, BEFORE))
    column = _("column {name}").format(name=file["column"]) if file.get("column") else ""
    details = "  ".join(filter(None, [format_size(file["bytes"]), file.get("encoding"), column]))
    return Content.assemble("  ", file["source"], "  ", (details, MUTED))


def _tried(tried: dict[str, Any], columns: int) -> Iterator[Content]:
    count = ngettext(
        "{number:,} document cleaned for a try:", "{number:,} documents cleaned for a try:", tried["documents"]
    )
    yield Content.styled(count.format(number=tried["documents"]), "bold")
    for name, number in tried["changed"].items():
        yield Content("  " + labelled(step_name(name), _("{number:,} changed").format(number=number)))
    for name, reasons in tried["dropped"].items():
        for reason, number in reasons.items():
            dropped = _("{number:,} dropped: {reason}").format(number=number, reason=reason)
            yield Content.styled("  " + labelled(step_name(name), dropped), BEFORE)
    if not tried["changed"] and not tried["dropped"]:
        yield Content("  " + _("nothing to change"))
    for example in tried["examples"]:
        yield Content("")
        heading = labelled(example["source"], ", ".join(map(step_name, example["steps"])))
        yield Content.styled(heading, "bold $text-accent")
        yield from difference(example, columns)


def difference(example: dict[str, Any], columns: int) -> Iterator[Content]:
    """An example of before and after: beside each other where there is room, else below each other."""
    if example["dropped"]:
        lines = [visible(line) for line in example["before"].splitlines() if line.strip()]
        pairs: list[tuple[str | None, str | None]] = [(line[:BEGINNING], None) for line in lines]
    else:
        pairs = list(changed_lines(example["before"], example["after"]))
    draw = _beside if columns >= BESIDE and not example["dropped"] else _below
    for pair in pairs[:MOST_LINES]:
        yield from draw(*pair, columns)
    if len(pairs) > MOST_LINES:
        yield Content("...")
    if example["dropped"]:
        yield Content.styled(_("(dropped: {reason})").format(reason=example["dropped"]), f"bold {BEFORE}")


def _below(before: str | None, after: str | None, columns: int) -> Iterator[Content]:
    if before is not None:
        yield Content.styled("- " + before, BEFORE)
    if after is not None:
        yield Content.styled("+ " + after, AFTER)


def _beside(before: str | None, after: str | None, columns: int) -> Iterator[Content]:
    width = (columns - 3) // 2
    for left, right in zip_longest(_folded("- ", before, width), _folded("+ ", after, width), fillvalue=""):
        space = " " * (width - cell_len(left))
        yield Content.assemble((left, BEFORE), space, (" │ ", MUTED), (right, AFTER))


def _folded(sign: str, text: str | None, width: int) -> list[str]:
    if text is None:
        return []
    first, *rest = chop_cells(text, width - 2) or [""]
    return [sign + first, *("  " + line for line in rest)]
