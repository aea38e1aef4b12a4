"""What was said to a model and what it wrote: turns below each other, one of which is marked.

Only the rows that are on the screen are drawn, and of a text that grows only the last line is cut anew: a conversation
may be long, and a reply may come quickly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar, NamedTuple

from rich.markdown import Markdown
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from ...core.language import N_
from ..words import Translated
from .wrapping import shown, width_of, wrap

LONGEST = 120  # columns of a row; longer ones are hard to read
GUTTER = 2  # columns at the left, for the mark of the turn that is meant
SURE = (0.5, 0.2, 0.05)  # probabilities from which on a token is drawn as likely, less likely, unlikely
TOKEN_STYLES = ("", "conversation--likely", "conversation--unlikely", "conversation--surprising")


@dataclass(frozen=True)
class Token:
    """A token of a text: where it stands in it, its probability, and the likeliest ones at its place."""

    begin: int
    end: int
    probability: float
    others: Sequence[tuple[str, float]] = ()


@dataclass(eq=False)
class Turn:
    """A message. The text goes on from `lead`, a person's; `under` stands below it, and `summary` below that."""

    number: int  # of the message
    by_person: bool
    text: str = ""
    lead: str = ""
    under: str = ""
    summary: str = ""
    as_markdown: bool = False
    tokens: Sequence[Token] = ()
    at_token: int | None = None
    closes: bool = True  # whether an empty row follows
    rows: list[Row] = field(default_factory=list)

    @property
    def whole(self) -> str:
        """All that can be read, as text."""
        mark = "▸ " if self.by_person or self.lead else ""
        end = "" if not self.under or self.under.startswith("\n") else "\n"
        line = f"\n─ {self.summary}" if self.summary else ""
        return f"{mark}{self.lead}{self.text}{end}{self.under}".rstrip("\n") + line


JOINED = 8  # signs, at most, that what follows them can change: accents, parts of an emoji
ROOM = 6  # rows, at most, that are free below what grows


class Row(NamedTuple):
    """A row of the screen: a part of one of a turn's texts, or rendered already."""

    kind: str  # text, under, summary, space, rendered
    text: str = ""
    begin: int = 0  # of the part, in the text; with `lead` before it
    strip: Strip | None = None


class Conversation(Translated, ScrollView, can_focus=True):
    """The turns of a conversation."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "conversation--person",
        "conversation--note",
        "conversation--mark",
        "conversation--at",
        *TOKEN_STYLES[1:],
    }
    DEFAULT_CSS = """
    Conversation { height: 1fr; scrollbar-size-vertical: 1; background: transparent; }
    Conversation .conversation--person { color: $text-accent; }
    Conversation .conversation--note { color: $foreground; text-style: dim; }
    Conversation .conversation--mark { color: $accent; }
    Conversation .conversation--likely { color: $text-success; }
    Conversation .conversation--unlikely { color: $text-warning; }
    Conversation .conversation--surprising { color: $text-error; text-style: underline; }
    Conversation .conversation--at { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", N_("The turn before"), show=False, id="turn.before"),
        Binding("down", "go(1)", N_("The next turn"), show=False, id="turn.next"),
        Binding("home", "first", N_("The first turn"), show=False, id="turn.first"),
        Binding("end", "last", N_("The last turn"), show=False, id="turn.last"),
    ]

    marked: reactive[int] = reactive(-1)  # of the turns

    class Marked(Message):
        """Another turn is meant."""

    def __init__(self, *, id: str | None = None):  # noqa: A002  Textual's name
        super().__init__(id=id)
        self.turns: list[Turn] = []
        self._empty = ""  # what stands there while there is no turn
        self._ends: list[int] = []  # the row after each turn
        self._width = 0
        self._follows = True  # the end stays in sight, whatever the size of the window
        self._cut_at: dict[int, int] = {}  # by the number of a turn: where its last line begins

    # What there is

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(turn.whole + ("\n" if turn.closes else "") for turn in self.turns)

    @property
    def turn(self) -> Turn | None:
        """The one that is meant; None where there is none."""
        return self.turns[self.marked] if 0 <= self.marked < len(self.turns) else None

    def show(self, turns: Sequence[Turn], marked: int | None = None) -> None:
        """Show these, from the last one's end, or with one of them marked."""
        before = {turn.number: turn for turn in self.turns}
        self.turns = list(turns)
        for turn in self.turns:
            if (old := before.get(turn.number)) is not None:
                turn.as_markdown = old.as_markdown
        self._lay_out(0)
        self.marked = len(self.turns) - 1 if marked is None else marked
        self._follows = marked is None
        if self._follows:
            self.scroll_end(animate=False)
        else:
            self.call_after_refresh(self.show_marked)

    def show_if_empty(self, text: str) -> None:
        """What stands there while there is no turn."""
        self._empty = text
        self.refresh()

    def grow(self, text: str = "", under: str = "") -> None:
        """More of the last turn. Who reads further up is left there."""
        turn, follow = self.turns[-1], self._is_at_end()
        if not (text or under):
            return
        turn.text += text
        turn.under += under
        same, known = turn.rows, len(self._ends) == len(self.turns) and not under
        self._lay_out(len(self.turns) - 1, grown=known, draw=False)
        if follow:  # at once, so that all is drawn once; where the bar is yet to come, Textual scrolls after its layout
            self.scroll_end(animate=False, immediate=self.show_vertical_scrollbar)
        self._draw_from(same)

    def _draw_from(self, before: Sequence[Row]) -> None:
        """Draw what is new of the last turn, which had these rows before: over a slow line each cell counts."""
        rows = self.turns[-1].rows
        top = (self._ends[-1] if self._ends else 0) - len(rows) - self.scroll_offset.y
        regions = []
        for place in range(max(0, -top), min(self.size.height - top, max(len(before), len(rows)))):
            old, new = (some[place] if place < len(some) else None for some in (before, rows))
            if old != new:
                begin, end = _new_cells(old, new, self.size.width)
                regions.append(Region(begin, top + place, end - begin, 1))
        if regions:
            self.refresh(*regions)

    def changed(self, turn: Turn, follow: bool = False) -> None:
        """Something of a turn is different."""
        at_end = self._is_at_end()
        if turn in self.turns:
            self._lay_out(self.turns.index(turn))
            if follow and at_end:
                self.scroll_end(animate=False)
            else:
                self._follows = self._is_at_end()

    # Rows

    def _lay_out(self, first: int, grown: bool = False, draw: bool = True) -> None:
        """Cut the turns from `first` on, and draw all; with `grown` only what was added to the end of the last."""
        width = min(LONGEST, self.scrollable_content_region.width - GUTTER)
        first = min(first, len(self._ends))
        if width <= 0:  # not on the screen yet
            del self._ends[first:]
            return
        for turn in self.turns[first:]:
            turn.rows = self._rows(turn, width, grown and not turn.as_markdown)
        heights = (len(turn.rows) for turn in self.turns[first:])
        before = self._ends[first - 1] if first else 0
        self._ends[first:] = list(accumulate(heights, initial=before))[1:]
        size = Size(0, self._height(grows=not draw))  # rows are cut: there is nothing to scroll to at the right
        if draw or not self.show_vertical_scrollbar:
            self.virtual_size = size
        else:  # Textual would lay out the whole screen, though only the scroll bar needs to know
            self.set_reactive(Conversation.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        if draw:
            self.refresh()

    def _height(self, grows: bool) -> int:
        """The rows of all; of what grows, with room for its next ones: each scrolling draws all that is in sight."""
        rows, seen = self._ends[-1] if self._ends else 0, self.size.height
        if not grows:
            return rows
        return seen if rows <= seen else rows + (seen - rows) % max(1, min(ROOM, seen // 4))

    def _rows(self, turn: Turn, width: int, grown: bool) -> list[Row]:
        is_rendered = turn.as_markdown and turn.text
        rows = self._rendered(turn, width) if is_rendered else self._text_rows(turn, width, grown)
        # An answer may begin or end with empty lines, which the text has but nobody needs to see.
        under = turn.under.strip("\n")
        for line in under.split("\n") if under else ():
            rows += [Row("under", line[begin:end]) for begin, end in wrap(line, width)]
        if turn.summary:
            rows += [
                Row("summary", line[begin:end]) for line in [f"─ {turn.summary}"] for begin, end in wrap(line, width)
            ]
        return [*rows, Row("space")] if turn.closes else rows

    def _text_rows(self, turn: Turn, width: int, grown: bool) -> list[Row]:
        mark = "▸ " if turn.by_person or turn.lead else ""
        whole = mark + turn.lead + turn.text
        if turn.summary or turn.by_person:
            whole = whole.rstrip("\n")
        rows: list[Row] = []
        start = 0
        if grown and turn.number in self._cut_at:
            start = self._cut_at[turn.number]
            rows = [row for row in turn.rows if row.kind == "text" and row.begin < start - len(mark)]
        place = start
        for line in whole[start:].split("\n"):
            rows += [Row("text", line[begin:end], place + begin - len(mark)) for begin, end in wrap(line, width)]
            self._cut_at[turn.number] = place
            place += len(line) + 1
        return rows

    def _rendered(self, turn: Turn, width: int) -> list[Row]:
        options = self.app.console.options.update(width=width)
        source = Markdown(turn.lead + turn.text, hyperlinks=False)
        lines = self.app.console.render_lines(source, options, pad=False)
        return [Row("rendered", "".join(part.text for part in line), 0, Strip(line)) for line in lines]

    def watch_show_vertical_scrollbar(self) -> None:
        """It takes a column."""
        self.call_after_refresh(self.on_resize)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Who is at the end wants to stay there."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = self._is_at_end()

    def _is_at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y - 1

    def on_resize(self) -> None:
        """Cut all anew where the width is another; what is read stays in sight."""
        width = self.scrollable_content_region.width
        row = None
        if width != self._width:
            index, share = self._at_top()
            self._width = width
            self._lay_out(0)
            if index is not None and index < len(self._ends):
                begin, end = self._range(index)
                row = begin + round(share * (end - begin))
        if self._follows:
            self.scroll_end(animate=False)
        elif row is not None:
            self.scroll_to(y=row, animate=False)

    def _at_top(self) -> tuple[int | None, float]:
        """The turn in the first row of the screen, and how much of it is above; None where nothing is above."""
        top = self.scroll_offset.y
        index = bisect_right(self._ends, top)
        if not top or index >= len(self._ends):
            return None, 0.0
        begin, end = self._range(index)
        return index, (top - begin) / (end - begin)

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        number, width = self.scroll_offset.y + y, self.size.width
        index = bisect_right(self._ends, number)
        base = self.rich_style
        if index >= len(self._ends):
            text = "" if self.turns else self._empty_row(y, width)
            return Strip([Segment(text, base + self._style("conversation--note"))]).crop_extend(0, width, base)
        turn = self.turns[index]
        place = number - (self._ends[index - 1] if index else 0)
        row = turn.rows[place]
        is_marked = index == self.marked and self.has_focus and row.kind != "space"
        gutter = Segment("▌ ", base + self._style("conversation--mark")) if is_marked else Segment("  ", base)
        strip = Strip([gutter, *self._segments(turn, row, base, number)])
        return strip.crop_extend(0, width, base).apply_offsets(0, number)

    def _empty_row(self, y: int, width: int) -> str:
        rows = [line[begin:end] for line in self._empty.split("\n") for begin, end in wrap(line, max(1, width))]
        return rows[y] if y < len(rows) else ""

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _segments(self, turn: Turn, row: Row, base: Style, number: int) -> list[Segment]:
        if row.kind == "rendered" and row.strip is not None:
            return [Segment(part.text, base + (part.style or Style())) for part in row.strip]
        if row.kind in ("under", "summary"):
            pieces = [(row.text, self._style("conversation--note") if row.kind == "summary" else Style())]
        else:
            pieces = self._pieces(turn, row)
        span = self.text_selection.get_span(number) if self.text_selection is not None else None
        if span is not None:
            begin, end = span
            begin, end = begin - GUTTER, (end if end < 0 else end - GUTTER)
            pieces = _marked(pieces, begin, end, self.screen.get_component_rich_style("screen--selection"))
        return [Segment(shown(text), base + style) for text, style in pieces]

    def _pieces(self, turn: Turn, row: Row) -> list[tuple[str, Style]]:
        """A row of a text, with what is drawn how."""
        person, plain = self._style("conversation--person"), Style()
        if turn.by_person:
            return [(row.text, person)]
        edge = len(turn.lead) - row.begin  # where the person's part ends in this row
        pieces = [(row.text[: max(0, edge)], person)] if edge > 0 else []
        if edge < len(row.text):
            begin = row.begin + max(0, edge) - len(turn.lead)  # in the model's text
            own = row.text[max(0, edge) :]
            pieces += self._token_pieces(turn, own, begin) if turn.tokens else [(own, plain)]
        return pieces

    def _token_pieces(self, turn: Turn, text: str, begin: int) -> list[tuple[str, Style]]:
        pieces, place, end = [], begin, begin + len(text)
        first = max(0, bisect_right(turn.tokens, begin, key=lambda token: token.begin) - 1)
        for number, token in enumerate(turn.tokens[first:], first):
            low, high = max(token.begin, begin), min(token.end, end)
            if token.begin >= end:
                break
            if high <= low:
                continue
            if low > place:
                pieces.append((text[place - begin : low - begin], Style()))
            style = self._style("conversation--at") if number == turn.at_token else self._sure(token.probability)
            pieces.append((text[low - begin : high - begin], style))
            place = high
        return [*pieces, (text[place - begin :], Style())]

    def _sure(self, probability: float) -> Style:
        degree = sum(probability < least for least in SURE)
        return self._style(TOKEN_STYLES[degree]) if degree else Style()

    # Text that is marked with the mouse

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text in it."""
        lines = []
        for turn in self.turns:
            lines += [" " * GUTTER + row.text for row in turn.rows]
        found = selection.extract("\n".join(lines))
        return "\n".join(line.removeprefix(" " * GUTTER) for line in found.split("\n")), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw it."""
        self.refresh()

    # The marked turn

    def watch_marked(self) -> None:
        """Draw it, and say so."""
        self.refresh()
        self.post_message(self.Marked())

    def _range(self, index: int) -> tuple[int, int]:
        """Its first row, and the one after its last."""
        return (self._ends[index - 1] if index else 0), self._ends[index]

    def show_marked(self) -> None:
        """Scroll until the marked turn is on the screen, its beginning where it is too long."""
        if not 0 <= self.marked < len(self._ends):
            return
        begin, end = self._range(self.marked)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if begin < top or end - begin > height:
            self.scroll_to(y=begin, animate=False)
        elif end > top + height:
            self.scroll_to(y=end - height, animate=False)
        else:
            self._follows = self._is_at_end()

    def action_go(self, by: int) -> None:
        """To the turn before or after; in a long one first to its hidden part."""
        if not self.turns:
            return
        begin, end = self._range(max(0, self.marked))
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        step = max(1, height - 2)
        if by > 0 and end > top + height:
            self.scroll_to(y=min(top + step, end - height), animate=False)
        elif by < 0 and begin < top:
            self.scroll_to(y=max(top - step, begin), animate=False)
        elif 0 <= self.marked + by < len(self.turns):
            self.marked += by
            begin, end = self._range(self.marked)
            if by < 0 and end - begin > height:  # from below it is entered at its end
                self.scroll_to(y=end - height, animate=False)
            else:
                self.show_marked()

    def action_first(self) -> None:
        """To the beginning."""
        self.marked = 0 if self.turns else -1
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        """To the end."""
        self.marked = len(self.turns) - 1
        self.scroll_end(animate=False)

    def on_click(self, event: events.Click) -> None:
        """The turn that was clicked is meant."""
        index = bisect_right(self._ends, event.y + self.scroll_offset.y)
        if index < len(self.turns):
            self.marked = index


def _new_cells(old: Row | None, new: Row | None, width: int) -> tuple[int, int]:
    """The cells of a row, from one to before another, that are not as they were."""
    if old is None or new is None or not old.kind == new.kind == "text" or not new.text.startswith(old.text):
        return 0, width
    same = width_of(old.text[:-JOINED])
    return GUTTER + same, min(width, GUTTER + width_of(new.text))


def _marked(pieces: Sequence[tuple[str, Style]], begin: int, end: int, style: Style) -> list[tuple[str, Style]]:
    """The pieces with a style over the characters from `begin` to `end`, or to the end where that is -1."""
    found, place = [], 0
    for text, own in pieces:
        low = min(max(begin - place, 0), len(text))
        high = len(text) if end < 0 else min(max(end - place, 0), len(text))
        found += [(text[:low], own), (text[low:high], own + style), (text[max(low, high) :], own)]
        place += len(text)
    return [(text, own) for text, own in found if text]
