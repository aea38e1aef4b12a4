"""The step that repairs mojibake: text that was decoded with the wrong encoding, and escapes of HTML left in a text."""

from __future__ import annotations

import html
import re

# The bytes of UTF-8 in a one-byte encoding: a first byte (C2 to F4), then a continuing one (80 to BF). These are the
# pairs as they look in Windows-1252 and Latin-1, and the ones that are typical of Windows-1250, -1251, -1253, -1257,
# Mac Roman and code page 437. What they find is only suspected: ftfy judges.
_HIGH_HALF = "".join(chr(number) for number in range(0x80, 0xC0)) + "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_FIRST = "\xc2-\xf4ĂĹāŐŘĐРСВГвβΒΓΞΟ‚√¬├┬╬"
_SUSPECT = re.compile(
    f"[{_FIRST}][{re.escape(_HIGH_HALF)}ĄąĽľŁłŚśŤťŹźŞşЂ-ЏѐҐђ-џ\u0384-\u0386Äâ†¢∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆"
    "ÇüéäàåçêëèïîìÅÉôöòûùÿÖÜ£₧áíóúñÑ⌐½¼«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\xa0]"
    "|[\x80-\x9f]"
)
BEGINS_MOJIBAKE = re.compile(f"[&{_FIRST}\x80-\x9f]")  # a text without any of these is left as it is
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Where a text has mark-up, or is about it, escapes are meant.
_MARKUP = re.compile(
    r"<[A-Za-z/!?]|&(?:lt|#60|#x3c);|\b(?:html|xml|entit(?:y|ies)|references?)\b|引用|实体", re.IGNORECASE
)
# The two bytes of a Chinese character in GB 2312 as two letters of Latin-1. No language writes eight of these in a row.
_GB_RUN = re.compile("[\xa1-\xfe]{2,}")
_LONG_GB_RUN = re.compile("[\xa1-\xfe]{8,}")
_UTF8_REST = re.compile("[\x80-\xa0€‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ]")


def fix_mojibake(text: str) -> str:
    """Text that was UTF-8 and was read as something else, as it was meant, line by line.

    The work is that of ftfy (Robyn Speer, 2019, doi:10.5281/zenodo.2591652). GB 2312 that was read as Latin-1 is
    repaired here. Escapes such as &nbsp; are undone where the text has no mark-up that they could belong to.
    """
    if "&" in text and _ENTITY.search(text) and not _MARKUP.search(text):
        text = _unescape(text)
    if text.isascii() or _SUSPECT.search(text) is None:
        return text
    return "\n".join([_fix_line(line) for line in text.split("\n")])


def _unescape(text: str) -> str:
    while not _MARKUP.search(text):
        plain = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
        if plain == text:
            break
        text = plain
    return text


def _fix_line(line: str) -> str:
    if line.isascii() or _SUSPECT.search(line) is None:
        return line
    if _LONG_GB_RUN.search(line) and not _UTF8_REST.search(line):
        chinese = _from_gb(line)
        if chinese is not None:
            return chinese
    import ftfy

    return ftfy.fix_encoding(line)


def _from_gb(line: str) -> str | None:
    """The line with its runs read as GB 2312; None where one of them is none, or is a mere row of signs."""
    for run in _LONG_GB_RUN.findall(line):
        letters = sum(character >= "\xc0" for character in run)
        if letters * 2 < len(run) or len(set(run)) < 4:
            return None
    try:
        return _GB_RUN.sub(lambda match: match[0].encode("latin-1").decode("gb2312"), line)
    except UnicodeDecodeError:
        return None
