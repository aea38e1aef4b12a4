"""From the lines of pages to running text: without what repeats on each page, in paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from .base import Paged
from .paragraphs import is_cjk, join_lines
from .pdf_pages import Line, Page

EDGE = 3  # lines from the top and the bottom of a page that may be its header or footer
MOST_PAGES = 0.4  # of them have a header; those of left and right pages may differ
SAME_PLACE = 3.0  # points

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\.)\s*)?(?:\d{1,5}|[ivxlc]{1,7})(?:\s*(?:/|of|von)\s*\d{1,5})?\W*", re.I
)
_NUMBER_AT_START = re.compile(r"^[^\w\s]?\s*(\d{1,5})(?![\d.,])")
_NUMBER_AT_END = re.compile(r"(?<![\d.,])(\d{1,5})(?:\s*(?:/|of)\s*\d+)?\W*$")
_CHINESE_NUMBER = re.compile(r"\W*第\s*\d+\s*页\W*(?:共\s*\d+\s*页)?\W*")
_ITEM = re.compile(r"^(?:[•▪■●◦‣∙·*–—-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+\S")
_BULLET = re.compile(r"^[•▪■●◦‣∙·*]\s*(?=\S)")
_CONTENTS = re.compile(
    r"(?:\s*\.){4,}\s*(?:\d{1,5}|[ivxlc]{1,7})$|(?:\s*[·…]){3,}\s*\d{1,5}$", re.I
)  # a line of dots to a number
_ENDS_WITH_NUMBER = re.compile(r"\s(?:\d{1,5}|[ivxlc]{1,7})$", re.I)
_COMMA = re.compile(r"[,，、;；]$")
_SENTENCE_END = re.compile(r"[.!?…:。！？：；][\"'”’»)\]」』）]*$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def running_text(pages: list[Page]) -> str:
    """The text of pages that follow each other; paragraphs are separated by a blank line."""
    return running_pages(pages)[0]


def running_pages(pages: list[Page]) -> Paged:
    """The same, and where in it the text of each page begins."""
    pages = _without_contents(_without_edges(pages))
    lines = [line for page in pages for line in page.lines]
    if not lines:
        return "", []
    return _Flow(lines).text(pages)


def _without_edges(pages: list[Page]) -> list[Page]:
    """The pages without headers, footers and page numbers: what stands at the edge of many pages at the same place."""
    edges = [[*_edge(page, top=True), *_edge(page, top=False)] for page in pages]
    everywhere = Counter(key for page in edges for key in {(top, _key(line)) for top, line in page})
    enough = max(3, len(pages) * MOST_PAGES)
    near = [{(top, _key(line, exact=True)) for top, line in page} for page in edges]
    numbered = _with_page_numbers(pages, edges)
    removed: list[set[int]] = []
    places: Counter[tuple[bool, int]] = Counter()
    for index, edge in enumerate(edges):
        gone = set()
        for top, line in edge:
            around = near[max(0, index - 4) : index] + near[index + 1 : index + 5]
            repeats = sum((top, _key(line, exact=True)) in other for other in around) >= 2
            is_number = id(line) in numbered
            if everywhere[top, _key(line)] >= enough or repeats or is_number:
                gone.add(id(line))
                places[top, round(line.baseline / SAME_PLACE)] += 1
        removed.append(gone)
    kept = []
    for page, edge, gone in zip(pages, edges, removed, strict=True):
        # The header of a short chapter repeats too little, but stands where those of other pages stand.
        for top, line in edge:
            place = round(line.baseline / SAME_PLACE)
            if sum(places[top, place + shift] for shift in (-1, 0, 1)) >= max(3, len(pages) * 0.6):
                gone.add(id(line))
        kept.append(Page(page.number, [line for line in page.lines if id(line) not in gone]))
    return kept


def _with_page_numbers(pages: list[Page], edges: list[list[tuple[bool, Line]]]) -> set[int]:
    """The lines at the very edge that begin or end with a number that goes up with the pages, by their `id`."""
    offsets: dict[int, list[Line]] = {}
    for page, edge in zip(pages, edges, strict=True):
        for outermost in edge[:1] + edge[min(EDGE, len(page.lines)) :][:1]:
            line = outermost[1]
            if len(line.text) < 100:
                for number in {*_NUMBER_AT_START.findall(line.text), *_NUMBER_AT_END.findall(line.text)}:
                    offsets.setdefault(int(number) - page.number, []).append(line)
    enough = max(3, 0.3 * len(pages))
    certain = {id(line) for lines in offsets.values() if len(lines) >= enough for line in lines}
    alone = {id(line) for line in offsets.get(0, []) if _key(line) == "#"}  # of a file of a page or two
    return certain | alone


def _without_contents(pages: list[Page]) -> list[Page]:
    """The pages without the lines of a table of contents, and without the pages that are little else."""
    kept = []
    for page in pages:
        dotted = [line for line in page.lines if _CONTENTS.search(line.text)]
        numbered = sum(bool(_ENDS_WITH_NUMBER.search(line.text)) for line in page.lines)
        if len(dotted) >= 5 and numbered >= 0.7 * len(page.lines):
            continue
        kept.append(Page(page.number, [line for line in page.lines if line not in dotted]) if dotted else page)
    return kept


def _edge(page: Page, top: bool) -> list[tuple[bool, Line]]:
    ordered = sorted(page.lines, key=lambda line: -line.baseline if top else line.baseline)
    return [(top, line) for line in ordered[:EDGE]]


def _key(line: Line, exact: bool = False) -> str:
    text = " ".join(line.text.split()).lower()
    if _PAGE_NUMBER.fullmatch(text) or _CHINESE_NUMBER.fullmatch(text):
        return "#"
    if exact:
        return re.sub(r"^\d{1,5}\b|\b\d{1,5}$|\b\d{1,5}\s*/\s*\d{1,5}\b", "#", text)
    return f"{_DIGITS.sub('#', text)} {round(line.baseline / SAME_PLACE / 4)}"


class _Paragraph:
    """A paragraph that grows line by line, and where in it the text of other pages begins."""

    def __init__(self, text: str, page: int):
        self.text = text
        self.begins = [(0, page)]

    def add(self, line: str, join: str, page: int, words: Counter[str]) -> None:
        """One more line, of this page."""
        if page != self.begins[-1][1]:
            self.begins.append((len(self.text), page))
        self.text = f"{self.text.rstrip()}{join}{line}" if join else join_lines(self.text, line, words)


def _together(paragraphs: list[_Paragraph]) -> Paged:
    texts: list[str] = []
    places: list[tuple[int, int]] = []
    size = 0
    for paragraph in paragraphs:
        if paragraph.text.strip():
            text = _tidied(paragraph.text)
            # Where a page begins within a paragraph is right but for the spaces that were too many before it.
            places += [(size + min(place, len(text)), page) for place, page in paragraph.begins]
            texts.append(text)
            size += len(text) + 2
    first = [place for index, place in enumerate(places) if not index or place[1] != places[index - 1][1]]
    return "\n\n".join(texts), first


class _Flow:
    """Puts lines together to paragraphs."""

    def __init__(self, lines: list[Line]):
        self.words = Counter(word.lower() for line in lines for word in _WORD.findall(line.text)[:-1])
        weights = Counter[float]()
        for line in lines:
            weights[round(line.size * 2) / 2] += len(line.text)
        self.size = weights.most_common(1)[0][0]
        steps = [
            first.baseline - second.baseline
            for first, second in pairwise(lines)
            if 0.5 * self.size < first.baseline - second.baseline < 2.5 * self.size
        ]
        self.leading = _commonest(steps) or 1.2 * self.size
        self.even = False  # whether the lines before are as far from each other as the rows of a table
        self.step = 0.0  # from the line before the last one to that
        self.in_list = False  # whether the line of text before this one is an item of a list

    def text(self, pages: list[Page]) -> Paged:
        paragraphs: list[_Paragraph] = []
        waiting: list[_Paragraph] = []  # footnotes of the page that a paragraph runs over
        before: tuple[Line, float] | None = None  # the last line, and how far lines like it go to the right
        for page in pages:
            body, notes = self._split_notes(page.lines)
            for run in _runs(body):
                margin = _margin(run)
                for index, line in enumerate(run):
                    self.in_list = bool(paragraphs and _ITEM.match(paragraphs[-1].text.rpartition("\n")[2]))
                    if before is None:
                        paragraphs.append(_Paragraph(line.text, page.number))
                    else:
                        join = self._between(*before, line, same_run=index > 0, margin=margin, run=run)
                        if join == "\n\n":
                            paragraphs += waiting
                            waiting = []
                            paragraphs.append(_Paragraph(line.text, page.number))
                        else:
                            paragraphs[-1].add(line.text, join, page.number, self.words)
                    before = line, margin
            if notes:
                text = _Flow(notes).text([Page(page.number, notes)])[0] if len(notes) > 1 else notes[0].text
                waiting.append(_Paragraph(text, page.number))
        return _together(paragraphs + waiting)

    def _split_notes(self, lines: list[Line]) -> tuple[list[Line], list[Line]]:
        """The footnotes are what is set smaller, to the end of the page."""
        end = len(lines)
        while end and lines[end - 1].size < 0.93 * self.size:
            end -= 1
        if end == 0 or end == len(lines) or lines[end].baseline > lines[end - 1].baseline:
            return lines, []
        return lines[:end], lines[end:]

    def _between(
        self, first: Line, first_margin: float, second: Line, same_run: bool, margin: float, run: list[Line]
    ) -> str:
        """What stands between two lines: "" where they are one paragraph, "\\n" or "\\n\\n"."""
        if same_run and abs(first.baseline - second.baseline) < 0.4 * min(first.size, second.size):
            return "\t" if second.left - first.right > 1.5 * first.size else " "
        step = first.baseline - second.baseline
        leading = self.leading * max(first.size, second.size) / self.size
        other_size = abs(first.size - second.size) > 0.1 * max(first.size, second.size)
        item = _ITEM.match(second.text)
        if item and same_run and step < 2.2 * leading and self.in_list:
            return "\n"
        room = _had_room(first, second, first_margin)
        even = abs(step - self.step) < 0.2 * leading and step < 2.2 * leading and (room or self.even)
        self.step, self.even = step, even
        if other_size or (same_run and step > 1.3 * leading and not even):
            return "\n\n"
        if item or "\t" in first.text or "\t" in second.text or (even and step > 1.15 * leading):
            return "\n"
        ended = bool(_SENTENCE_END.search(first.text))
        if not same_run:
            nearly_full = first.right > first_margin - 0.15 * (first_margin - first.left)
            goes_on = bool(_COMMA.search(first.text)) or (not ended and nearly_full) or not (room or ended)
            if _ENDS_WITH_NUMBER.search(first.text) and second.text[0].isupper():  # a list of contents, or a table
                return "\n\n"
            return "" if goes_on else "\n\n"
        indent = second.left - min(line.left for line in run)
        hanging = bool(_ITEM.match(first.text)) or second.left <= first.left + 0.5 * second.size
        if room:
            return "\n\n" if not hanging and indent > 0.8 * second.size and ended else "\n"
        if not hanging and ended and second.left - first.left > 0.8 * second.size:
            return "\n\n"
        return ""


def _runs(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines one below the other: a column, or all of a page that has one."""
    run: list[Line] = []
    for line in lines:
        if run and line.baseline > run[-1].baseline + 0.8 * line.size:
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _margin(run: list[Line]) -> float:
    """Where the lines of a column end, but for one or two that go too far."""
    rights = sorted(line.right for line in run)
    return rights[-1 - len(rights) // 20]


def _had_room(first: Line, second: Line, margin: float) -> bool:
    """Whether the first word of the second line would have fitted into the first one, so that its end was meant."""
    width = (second.right - second.left) / max(1, len(second.text))
    start = second.text[0]
    word = 1 if is_cjk(start) else len(second.text.split(None, 1)[0])
    if is_cjk(start):  # signs that must not begin a line take others with them
        return first.right + 2.5 * max(width, first.size * 0.8) < margin
    return first.right + (word + 1) * width < margin


def _commonest(values: list[float]) -> float | None:
    if not values:
        return None
    common = Counter(round(value) for value in values).most_common(1)[0][0]
    return median(value for value in values if abs(value - common) <= 1)


def _tidied(paragraph: str) -> str:
    lines = [_BULLET.sub("- ", line.strip()) for line in paragraph.split("\n")]
    text = "\n".join(re.sub(r" {2,}", " ", line) for line in lines)
    return re.sub("[\ufffe\xad\x02]", "", text)
