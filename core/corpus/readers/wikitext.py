"""Wikitext, the markup of MediaWiki, as the text that a reader of the page sees.

Templates are programs that only the wiki itself has, so what they make is missing, but for a few that show what they
are given. A parser of all of wikitext (mwparserfromhell) does 0.8 MB a second, so each kind of markup is taken off by
a pass of its own, whose time grows with the length of the text alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from .wikitables import tables_as_lines

DEEPEST = 40  # templates within templates, as in MediaWiki

_GAP = "\x1f"  # where something was taken out of a sentence
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LITERAL = re.compile(
    r"<(nowiki|pre|syntaxhighlight|source|math|chem|ce|code)\b([^<>]*?)(?:/>|>((?:(?!<\1\b).)*?)</\1\s*>)", re.I | re.S
)
_NOT_TEXT = (
    "ref|references|gallery|timeline|imagemap|score|graph|hiero|templatedata|templatestyles|mapframe|maplink|"
    "inputbox|categorytree|indicator|includeonly|section|labeledsectiontransclusion|rss|tabber|html|style|script"
)
_EXTENSION = re.compile(
    rf"<({_NOT_TEXT})\b(?:[^<>/]|/(?!>))*(?:/>|>(?:(?!<\1\b).)*?</\1\s*>)", re.IGNORECASE | re.DOTALL
)
_VARIANT = re.compile(r"-\{(?!\{)([^{}]*)\}-")
_VARIANT_OF = re.compile(r"^\s*(zh(?:-[a-z]+)*|sr(?:-[a-z]+)*|[a-z]{2,3}-[a-z]+)\s*:", re.IGNORECASE)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*>")
_BREAKS = frozenset((
    "br", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "hr", "blockquote", "center", "h1", "h2",
    "h3", "h4", "h5", "h6", "poem",
))  # fmt: skip
_QUOTES = re.compile("'{2,}")
_SWITCH = re.compile(r"__[A-Z]{3,}__|__\w{2,20}__")
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftps?|gopher|news|mailto|irc)://|//|mailto:)[^\s\[\]<>]*+([^\[\]\n]*)\]", re.IGNORECASE
)
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}|simple|be-x-old|zh-[a-z-]{2,12}|[a-z]{2,3}-[a-z]{2,6})\s*:\s*\S")
_NOT_LANGUAGES = ("voy:", "cia:", "mw:", "rfc:", "doi:")
_NOT_SHOWN = frozenset((
    "file", "image", "media", "category", "文件", "檔案", "档案", "图像", "圖像", "图片", "圖片", "分类", "分類",
    "媒体", "媒體", "datei", "bild", "kategorie", "fichier", "catégorie", "archivo", "imagen", "categoría",
    "ファイル", "画像", "カテゴリ", "파일", "그림", "분류", "файл", "изображение", "категория",
))  # fmt: skip
_HEADING = re.compile(r"^(={1,6})\s*(.+?)\s*\1\s*$")
_MARKS = re.compile(r"^([*#:;]+)\s*(.*)$")
_RULE = re.compile(r"^-{4,}")
# Templates that show one of the things they are given: the first, or the last.
_FIRST_SHOWN = frozenset((
    "nowrap", "nobr", "small", "big", "smaller", "larger", "em", "strong", "mvar", "math", "var", "code", "samp", "kbd",
    "quote", "blockquote", "cquote", "quotation", "bquote", "poemquote", "poem quote", "abbr", "tooltip", "ill",
    "interlanguage link", "link-en", "link-ja", "link-de", "link-fr", "le", "linktext", "val", "sic", "not a typo",
    "as written", "ruby", "nihongo", "unicode", "chem", "chem2",
))  # fmt: skip
_LAST_SHOWN = frozenset(
    ("lang", "langi", "transl", "transliteration", "tlit", "tsl", "translink", "color", "font color")
)
_SIGNS = {
    "!": "|", "=": "=", "ndash": "–", "mdash": "—", "spaced ndash": " – ", "snd": " – ", "spnd": " – ", "dash": " – ",
    "emdash": "—", "·": " · ", "dot": " · ", "middot": " · ", "•": " • ", "bull": " • ", "'": "'", "`": "`",
    "nbsp": " ",
    "bce": "BCE", "bc": "BC", "ce": "CE", "ad": "AD",
    "zwj": "", "zwnj": "", "shy": "", "wbr": "", "clear": "", "pi": "π", "euro": "€", "°": "°",
}  # fmt: skip
_SPACES = re.compile(r"[ \t]{2,}")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*+\n){2,}")
_UNIT = re.compile(r"^-?[\d.,]+$")
_PARTS = re.compile(r"\|(?![^\[\]]{0,500}\]\])")  # the bars that are not inside a link
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def plain_text(wikitext: str, not_shown: frozenset[str] = frozenset()) -> str:
    """The text of a page, paragraphs separated by a blank line; "" where nothing is left.

    Headings, list items and rows of tables are lines; sections without text are left out. `not_shown` are more
    beginnings of links, in lower case, that put in a picture or a category.
    """
    text = _COMMENT.sub("", wikitext.replace("\r\n", "\n").replace(_GAP, ""))
    text = _LITERAL.sub(_literal, text)
    text = _EXTENSION.sub("", text)
    text = _SPACES.sub(" ", _BLANK_LINES.sub("\n\n\n", text))
    text = _VARIANT.sub(_variant, text)
    text = _nested(text, "{{", "}}", _template)
    text = _EXTENSION.sub("", text)  # those that had templates in them
    text = tables_as_lines(text)
    hidden = not_shown | _NOT_SHOWN
    text = _nested(text, "[[", "]]", lambda inside: _link(inside, hidden))
    text = text.replace("[[", "").replace("]]", "")  # one that has no other half
    text = _EXTERNAL.sub(lambda match: match[1].strip() or _GAP, text)
    text = _TAG.sub(lambda match: "\n" if match[1].lower() in _BREAKS else "", text)
    text = _QUOTES.sub(lambda match: "'" * max(0, {2: 0, 3: 0, 4: 1, 5: 0}.get(len(match[0]), len(match[0]) - 5)), text)
    text = _SWITCH.sub("", text)
    return html.unescape(_mended("\n\n".join(_sections(text)))).replace("\xa0", " ").strip("\n")


def _literal(match: re.Match[str]) -> str:
    """What is between tags that switch markup off, with its signs as entities, so that they are nobody's markup."""
    inside = match[3] or ""
    kind = match[1].lower()
    if kind == "code":
        return inside  # its markup counts
    if kind in ("math", "chem", "ce"):
        inside = f"${' '.join(inside.split())}$" if inside.strip() else ""
    if kind in ("nowiki", "pre"):
        inside = html.unescape(inside)
    signs = r"[^\w\s]|[ \t]" if "\n" in inside else r"[^\w\s]"  # the spaces of a program mean something
    inside = re.sub(signs, lambda sign: f"&#{ord(sign[0])};", inside)
    return (
        f"\n\n{inside.strip(chr(10))}\n\n"
        if kind in ("pre", "syntaxhighlight", "source") and "\n" in inside
        else inside
    )


def _variant(match: re.Match[str]) -> str:
    """One of the ways in which Chinese (or Serbian, ...) may be written: the simplified one where there is."""
    flags, bar, rest = match[1].rpartition("|")
    if bar and {flag.strip() for flag in flags.split(";")} & {"H", "T", "-", "D"}:
        return ""  # a rule for the rest of the page, or for its title
    variants: dict[str, str] = {}
    for part in rest.split(";"):
        part = part.rpartition("=>")[2]
        if language := _VARIANT_OF.match(part):
            variants.setdefault(language[1].lower(), part[language.end() :].strip())
        elif variants and part.strip():  # a semicolon in the text, as of an entity
            last = list(variants)[-1]
            variants[last] += f";{part}"
    if not variants:
        return rest
    return next(
        (variants[code] for code in ("zh-hans", "zh-cn", "zh") if code in variants), next(iter(variants.values()))
    )


def _nested(text: str, opening: str, closing: str, replace: Callable[[str], str]) -> str:
    """`text` with what is between the brackets replaced, the inner ones first; one without its other half stays."""
    levels: list[list[str]] = [[]]
    at = 0
    for match in re.finditer(f"{re.escape(opening)}|{re.escape(closing)}", text):
        levels[-1].append(text[at : match.start()])
        at = match.end()
        if match[0] == opening:
            levels.append([])
        elif len(levels) > 1:
            inside = "".join(levels.pop())
            levels[-1].append(replace(inside) if len(levels) <= DEEPEST else "")
        else:
            levels[-1].append(closing)
    levels[-1].append(text[at:])
    return opening.join("".join(level) for level in levels)


def _template(inside: str) -> str:
    name, *arguments = _PARTS.split(inside)
    name = name.strip().lower().replace("_", " ")
    if name in _SIGNS:
        return _SIGNS[name]
    values = [value.strip() for value in arguments if not re.match(r"\s*[\w -]{1,30}=", value)]
    values += [value.partition("=")[2].strip() for value in arguments if re.match(r"\s*(?:1|text|quote)\s*=", value)]
    if name in ("convert", "cvt") and len(values) > 1:
        return _measure(values)
    if name in ("as of", "asof") and values:
        return _date("as of" if re.search(r"\|\s*lc\s*=", inside) else "As of", values)
    if name in ("circa", "c.") and values:
        return f"c. {values[0]}"
    if not values or not (name in _FIRST_SHOWN or name in _LAST_SHOWN or name.startswith("lang-")):
        return _GAP
    shown = values[0] if name in _FIRST_SHOWN else values[-1]
    return f"\n\n{shown}\n\n" if "quot" in name else shown


def _measure(values: list[str]) -> str:
    """A measure as {{convert}} shows its first unit: "5 km", "5–10 km"."""
    if len(values) > 3 and values[1] in ("-", "–", "to", "and", "by", "x", "or") and _UNIT.match(values[2]):
        between = {"-": "–", "–": "–", "x": " × "}.get(values[1], f" {values[1]} ")
        return f"{values[0]}{between}{values[2]} {values[3]}"
    return f"{values[0]} {values[1]}"


def _date(words: str, values: list[str]) -> str:
    """A date that is given as a year, a month and a day: "As of March 2011"."""
    month = values[1] if len(values) > 1 else ""
    if month.isdecimal() and len(month) < 3 and 1 <= int(month) <= 12:
        month = _MONTHS[int(month) - 1]
    return " ".join(filter(None, (words, month, values[0])))


def _link(inside: str, hidden: frozenset[str]) -> str:
    target, bar, shown = inside.partition("|")
    target = target.strip()
    prefix = target.partition(":")[0].strip().lower()
    if ":" in target and not target.startswith(":"):
        if prefix in hidden:
            return _GAP
        if _LANGUAGE.match(target) and not target.startswith(_NOT_LANGUAGES):
            return _GAP
    if bar and shown.strip():
        return shown
    target = target.lstrip(":")
    if bar:  # [[Mercury (planet)|]] shows Mercury
        target = re.sub(r"\s*[(（][^()（）]*[)）]$", "", target.rpartition(":")[2])
    return target.partition("#")[0] if target.partition("#")[0] and bar else target


def _sections(text: str) -> Iterator[str]:
    """The paragraphs, lists and headings in their order; a heading only when something follows it."""
    headings: list[tuple[int, str]] = []
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if heading := _HEADING.match(line):
            if block:
                yield "\n".join(block)
                block = []
            level = len(heading[1])
            headings = [(above, title) for above, title in headings if above < level]
            headings.append((level, _without_gaps(heading[2]).strip()))
            continue
        shown = _shown_line(line)
        if shown is None or not shown.strip():
            if block and (not line.strip() or shown is None):
                yield "\n".join(block)
                block = []
            continue
        if headings:
            yield from (title for _level, title in headings if title)
            # Those above are said; what is deeper starts anew, and what is as deep takes this one's place.
            headings = []
        block.append(shown)


def _shown_line(line: str) -> str | None:
    """A line without the marks at its beginning; None for one that only separates."""
    if _RULE.match(line):
        return None
    marks = _MARKS.match(line)
    if not marks:
        return line.strip(" ") if line.strip(" \t" + _GAP) else ""
    if not any(character.isalnum() for character in _without_gaps(marks[2])):
        return ""
    if marks[1][-1] in ":;":
        return marks[2]
    return f"{'  ' * (len(marks[1]) - 1)}- {marks[2]}"


def _without_gaps(text: str) -> str:
    return text.replace(_GAP, "")


_EMPTY_BRACKETS = re.compile(rf"[ \t]*(?:\([\s{_GAP},;:/–—-]*\)|（[\s{_GAP},;:，；：、/–—-]*）|\[[\s{_GAP}]*\])")
_AFTER_BRACKET = re.compile(rf"([(（])\s*{_GAP}[\s{_GAP},;:，；：、]*")
_BEFORE_BRACKET = re.compile(rf"[\s,;，；、]*{_GAP}[\s{_GAP},;，；、]*([)）])")
_BEFORE_SIGN = re.compile(rf"[ \t]*{_GAP}[ \t{_GAP}]*([.,;:!?，。；：、！？)）])")
_BETWEEN_WORDS = re.compile(rf"[ \t]*{_GAP}[ \t{_GAP}]*")


def _mended(text: str) -> str:
    """The sentences closed again where something was taken out of them."""
    text = re.sub(rf"(?m)^((?:[ \t]*- )?)[ \t]*{_GAP}[ \t{_GAP}]*[,;，；、]\s*", r"\1", text)
    text = _EMPTY_BRACKETS.sub(lambda match: "" if _GAP in match[0] else match[0], text)
    text = _AFTER_BRACKET.sub(r"\1", text)
    text = _BEFORE_BRACKET.sub(r"\1", text)
    text = _BEFORE_SIGN.sub(r"\1", text)
    text = _BETWEEN_WORDS.sub(lambda match: " " if " " in match[0] else "", text)
    text = re.sub(r"(?m)^[ \t]++(?!- )|[ \t]+$", "", text)
    text = re.sub(r"(?<=\S)[ ]{2,}", " ", text)
    return re.sub(r"\n{3,}", "\n\n", text)
