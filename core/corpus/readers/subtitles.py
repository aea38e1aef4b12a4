"""Subtitles: what is spoken, without numbers, times and marks, a sentence in a line where its cues belong together."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from ...language import gettext as _
from .base import Format, Notes, NotTextError, ReadOptions
from .decoding import decode, read_bytes
from .paragraphs import is_cjk, join_lines

PAUSE = 3.0  # seconds without words, after which a sentence is not taken to go on

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,:](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-{{1,2}}>\s*{_TIME}(?:\s|$)")
_BLOCK = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")  # of WebVTT: what is no cue
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,300}>|<(?:\d{1,4}:)?\d\d:\d\d[.,]\d{3}>|\{\\[^{}\n]{0,300}\}|</?>")
# What is heard and not said stands in brackets, or in parentheses that are all of a line; songs have notes around them.
_SOUND = re.compile(r"\[[^\[\]]{0,300}\]|【[^【】]{0,300}】|^\s*[-–—]?\s*[(（][^()（）]{0,300}[)）]\s*$", re.MULTILINE)
_MUSIC = re.compile(r"[♩♪♫♬🎵🎶]")
_SPEAKER = re.compile(r"^(?:>{2,3}|[-–—‐])\s*")
_FINISHED = re.compile(r"[.!?…:;。！？：；][\"'”’»)\]」』]*$")
_GOES_ON = re.compile(r"[,，、;；]$|\w[-\u2010]$")
_DOTS_BEFORE = re.compile(r"^(?:\.{2,}|…+)\s*(?=\w)")
_DOTS_AFTER = re.compile(r"(?<=\w)\s*(?:\.{2,}|…+)$")


class Cue(NamedTuple):
    """Lines that are shown together, from `start` to `end`, in seconds."""

    start: float
    end: float
    lines: list[str]


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The file, decoded."""
    yield decode(read_bytes(file), notes)


def convert(text: str) -> Iterator[str]:
    """One document of all that is said."""
    lines: list[str] = []
    silent_since = 0.0
    before = ""
    for cue in parse_cues(text):
        spoken = _spoken(cue.lines)
        for index, (line, is_new_speaker) in enumerate(spoken):
            if line == before:  # captions that roll up show each line twice
                continue
            before = line
            near = index > 0 or cue.start - silent_since < PAUSE
            if lines and near and not is_new_speaker and _goes_on(lines[-1], line, same_cue=index > 0):
                lines[-1] = join_lines(_DOTS_AFTER.sub("", lines[-1]), _DOTS_BEFORE.sub("", line))
            else:
                lines.append(line)
        if spoken:
            silent_since = cue.end
    if not lines:
        raise NotTextError(_("nothing is spoken in it"))
    yield "\n".join(lines)


def parse_cues(text: str) -> list[Cue]:
    """The cues of a file in SubRip or WebVTT, in the order of the file; what belongs to none is left out."""
    webvtt = text.lstrip("\ufeff \n").startswith("WEBVTT")
    cues: list[Cue] = []
    lines: list[str] = []  # of the cue so far, or of what is between two cues
    for line in text.split("\n"):
        if times := _TIMES.match(line):
            if lines and lines[-1].strip().isdecimal():
                lines.pop()  # the number of this cue, which stands above its times
            lines = []
            cues.append(Cue(_seconds(times.groups()[:4]), _seconds(times.groups()[4:]), lines))
        elif webvtt and not line.strip():
            lines = []  # a blank line ends a cue; in SubRip, some cues have one in the middle
        elif webvtt and not lines and _BLOCK.match(line):
            lines = [line]
        else:
            lines.append(line)
    if not webvtt and lines and lines[-1].strip().isdecimal() and len(lines) > 1 and not lines[-2].strip():
        lines.pop()  # the number of a cue that was cut off
    return cues


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction}")


def _spoken(lines: list[str]) -> list[tuple[str, bool]]:
    """Pairs of a line that is said, and whether another speaker begins with it."""
    text = html.unescape(_TAG.sub("", "\n".join(lines).replace("\\N", "\n"))).replace("\xa0", " ")
    text = re.sub("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)
    found = []
    for raw in _SOUND.sub("", text).split("\n"):
        if _MUSIC.search(raw):
            continue
        line = " ".join(raw.split())
        said = _SPEAKER.sub("", line)
        if any(character.isalnum() for character in said):
            found.append((said, said != line))
    return found


def _goes_on(before: str, line: str, same_cue: bool) -> bool:
    """Whether `line` plainly continues the sentence of `before`."""
    first = _DOTS_BEFORE.sub("", line)[:1]
    if not first or is_cjk(before[-1]) != is_cjk(first):
        return bool(_GOES_ON.search(before)) and is_cjk(before[-1]) == is_cjk(first)
    if is_cjk(first):  # a line that ends in Chinese mostly ends a sentence, with or without a sign
        return bool(_GOES_ON.search(before))
    if _DOTS_BEFORE.match(line) and _DOTS_AFTER.search(before):
        return True
    if _FINISHED.search(before):
        return same_cue and not _speaks_anew(first)
    return first.islower() or first.isdecimal() or bool(_GOES_ON.search(before)) or same_cue


def _speaks_anew(first: str) -> bool:
    return first.isupper() or not first.isalpha()


FORMAT = Format("subtitles", (".srt", ".vtt"), read, convert)
