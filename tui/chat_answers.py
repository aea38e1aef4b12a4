"""What the engine tells of an answer, as it is shown: text, what stands beside it, a word on how far it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from ..core.generation.stream import left_out_text, reading_text
from ..core.knowledge.passages import place_parts
from ..core.language import gettext as _
from ..core.language import ngettext
from .chat_modes import Mode, file_of, info_of
from .chat_words import more_text, summary_text
from .widgets.bar import bar

if TYPE_CHECKING:
    from ..core.engine.client import Engine

BAR = 20  # columns of the longest bar
LABELS = 8  # of a classification
EXCERPT = 200  # characters of a passage
NOTES = 5  # files that were left out, told one by one
Telling = AsyncGenerator["Told", None]


@dataclass(frozen=True)
class Asked:
    """What a person sent. `request` is what the mode needs besides the text; `system` is what a model is told before a
    chat, and `messages` are all of it."""

    model: str
    mode: Mode
    text: str
    request: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    messages: Sequence[Mapping[str, str]] = ()

    def kept(self) -> dict[str, Any]:
        """What is kept beside the text, to ask it again."""
        return {"mode": self.mode.name, "request": dict(self.request)}


@dataclass(frozen=True)
class Told:
    """Something new. `text` is the answer's, `beside` is not; `word` takes the place of the one above the prompt.

    `context` is how many tokens of how many the model sees.
    """

    text: str = ""
    beside: str = ""
    word: str | None = None
    summary: str = ""  # the line under the answer
    summaries: Sequence[str] = ()  # of all answers, where there are several
    index: int = 0  # of the answer that the text is of
    context: tuple[int, int] | None = None


async def answers(engine: Engine, asked: Asked) -> Telling:
    """What is told of an answer. Raises UserError; leaving it early ends the work."""
    telling = _written(engine, asked) if asked.mode.name in ("write", "chat") else _performed(engine, asked)
    async with aclosing(telling) as all_told:
        async for told in all_told:
            yield told


async def _written(engine: Engine, asked: Asked) -> Telling:
    chat = asked.mode.name == "chat"
    left_out, before = "", 0
    info = info_of(asked.model)
    room = info.config.context if info else 0
    prompt: Any = list(asked.messages) if chat else asked.text
    async with aclosing(engine.generate(asked.model, prompt, asked.options, asked.load)) as told:
        async for each in told:
            if "started" in each:
                started = each["started"]
                left_out = left_out_text(started["left_out"], chat, started["messages_left_out"])
                before = started["prompt_tokens"]
                yield Told(word=left_out, context=(before, room) if room else None)
            elif "reading" in each:
                yield Told(word=reading_text(**each["reading"]) or left_out)
            elif "delta" in each:
                yield Told(text=each["delta"]["text"], index=each["delta"]["index"])
            elif "done" in each:
                done = each["done"]
                read = before + done["completions"][0]["tokens"]
                yield Told(
                    beside=more_text(done),
                    summary=summary_text(done),
                    summaries=[summary_text(done, number) for number in range(len(done["completions"]))],
                    context=(min(read, room), room) if room else None,
                )


async def _performed(engine: Engine, asked: Asked) -> Telling:
    request = dict(asked.request)
    if paths := request.pop("paths", None):
        async for told in _documents(engine, paths, request):
            yield told
    if asked.mode.name == "ask":
        request["question"] = asked.text
    elif asked.mode.takes_file and (path := file_of(asked.text)):
        yield Told(word=_("Reading {name} ...").format(name=path.name))
        request["text"] = await engine.read_text(str(path))
    else:
        request["text"] = asked.text
    yield Told(word=_("Reading the model ..."))
    is_first = True
    told_by_model = engine.perform(asked.model, asked.mode.task, request, asked.options, asked.load)
    async with aclosing(told_by_model) as answer:
        async for each in answer:
            if "notice" in each:
                yield Told(beside=f"· {each['notice']}\n")
            elif "passages" in each:
                yield Told(word=_("The documents are searched; the model answers ..."))
            elif "reading" in each:
                yield Told(word=progress_text(asked.mode.name, **each["reading"]))
            elif "delta" in each:
                text = each["delta"]["text"].lstrip() if is_first else each["delta"]["text"]
                is_first = is_first and not text
                yield Told(text=text)
            elif "done" in each:
                yield _end(asked.mode.name, each["done"])


async def _documents(engine: Engine, paths: Sequence[str], request: dict[str, Any]) -> Telling:
    """Make what is in `paths` searchable, and put where that is into the request."""
    yield Told(word=_("Reading the documents ..."))
    async with aclosing(engine.knowledge_of(paths)) as told:
        async for each in told:
            if "progress" in each:
                yield Told(word=documents_text(each["progress"]))
            elif "done" in each:
                request["knowledge"] = each["done"]["path"]
                yield Told(beside="".join(f"· {line}\n" for line in left_out_lines(each["done"]["left_out"])))


def documents_text(progress: Mapping[str, Any]) -> str:
    """How far the reading of documents is."""
    share = progress["done"] / progress["total"] if progress["total"] else 0.0
    return _("Reading the documents: {share:.0%}  {name}").format(share=share, name=progress["message"])


def left_out_lines(left_out: Sequence[Sequence[str]]) -> list[str]:
    """Files that could not be read, some of them by name."""
    lines = [_("{name}: {reason}; left out.").format(name=name, reason=reason) for name, reason in left_out[:NOTES]]
    if (more := len(left_out) - NOTES) > 0:
        lines.append(_("So were {number:,} more.").format(number=more))
    return lines


def progress_text(mode: str, done: int, total: int) -> str:
    """How far a long text is; nothing at its end."""
    if done >= total:
        return ""
    if mode == "summarize":
        return _("part {done:,} of {total:,}").format(done=done, total=total)
    return _("{share:.0%} of the text").format(share=done / total)


def _end(mode: str, done: Mapping[str, Any]) -> Told:
    """What stands under an answer."""
    if mode == "ask":
        return Told(word="", beside=_under_answer(done), summary=_passages_word(done["passages"]))
    if mode == "classify":
        shares: dict[str, float] = done["probabilities"]
        summary = _("{label}, of {number:,} labels").format(label=done["label"], number=len(shares))
        return Told(word="", text=bars(shares), summary=summary)
    if mode == "translate":
        sentences = ngettext("{number:,} sentence", "{number:,} sentences", done["sentences"])
        languages = f"{done['from']} → {done['to']}"
        return Told(word="", summary=f"{languages} · {sentences.format(number=done['sentences'])}")
    if done["way"] == "extract":
        return Told(word="", summary=_("sentences of the text"))
    parts = ngettext("from {number:,} part", "from {number:,} parts", done["sections"])
    return Told(word="", summary=parts.format(number=done["sections"]))


def _under_answer(done: Mapping[str, Any]) -> str:
    lines = [] if done["found"] else [_("Not found in the documents.")]
    for number, passage in enumerate(done["passages"], 1):
        excerpt = " ".join(passage["text"].split())
        where = "  ".join(place_parts(passage["source"], passage["page"], passage["heading"]))
        more = " …" if len(excerpt) > EXCERPT else ""
        lines += ["", f"[{number}] {where}", f"    {excerpt[:EXCERPT]}{more}"]
    before = "\n" if done["text"] or done.get("way") != "search" else ""  # something was written
    return before + "\n".join(lines) if lines else ""


def _passages_word(passages: Sequence[Any]) -> str:
    if not passages:
        return _("no passage")
    return ngettext("{number:,} passage", "{number:,} passages", len(passages)).format(number=len(passages))


def bars(shares: Mapping[str, float]) -> str:
    """The likeliest labels, each with a bar and its share."""
    best = sorted(shares.items(), key=lambda pair: -pair[1])[:LABELS]
    width = max(cell_len(label) for label, _share in best)
    lines = []
    for label, share in best:
        space = " " * (width - cell_len(label))
        lines.append(f"{label}{space}  {bar(share, BAR)}  {share:6.1%}")
    if len(shares) > LABELS:
        rest = sum(shares.values()) - sum(share for _label, share in best)
        lines.append(_("and {number:,} more: {share:.1%}").format(number=len(shares) - LABELS, share=rest))
    return "\n".join(lines)
