"""Keep the catalogues complete: `check` fails when a message lacks a translation, `update` adds it.

`update` writes every message of the source into each catalogue, in the order of the files; translations stay.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
CREATED = datetime(2026, 1, 1, tzinfo=UTC)  # always the same, so that an update changes messages alone
PLACEHOLDER = re.compile(r"\{(\w*)[^{}]*\}|%\(\w+\)[a-z]|%[a-z]")


def extract() -> Catalog:
    """All messages of the source."""
    catalog = Catalog(charset="utf-8")
    for part in ("core", "trainer", "tui", "cli"):
        found = extract_from_dir(ROOT / part, [("**.py", "python")], keywords=KEYWORDS, comment_tags=())
        for file, line, message, _comments, _context in sorted(found, key=lambda entry: entry[:2]):
            catalog.add(message, locations=[(f"{part}/{file}", line)])
    return catalog


def catalogues() -> list[Path]:
    """The .po files."""
    return sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po"))


def update(path: Path, source: Catalog) -> None:
    """Bring one catalogue up to date."""
    with path.open("rb") as file:
        old = read_po(file)
    new = Catalog(
        locale=old.locale,
        header_comment=old.header_comment,
        project="newleaf",
        charset="utf-8",
        fuzzy=False,
        creation_date=CREATED,
        revision_date=CREATED,
        last_translator="newleaf",
        language_team="newleaf",
        msgid_bugs_address="newleaf",
    )
    for message in source:
        if message.id:
            known = old.get(message.id)
            new.add(message.id, known.string if known else "")
    with path.open("wb") as file:
        write_po(file, new, width=120, omit_header=False, include_previous=False, sort_output=False)


def problems(path: Path, source: Catalog) -> list[str]:
    """What is wrong with one catalogue, a line each."""
    with path.open("rb") as file:
        catalog = read_po(file)
    found = []
    for message in filter(lambda message: message.id, source):
        known = catalog.get(message.id)
        one = message.id if isinstance(message.id, str) else message.id[-1]
        translations = [] if known is None else [known.string] if isinstance(known.string, str) else list(known.string)
        where = ":".join(map(str, message.locations[0]))
        if not translations or not all(translations) or (known is not None and known.fuzzy):
            found.append(f"{where}: not translated: {one!r}")
        found += [
            f"{where}: other placeholders than {one!r}: {translation!r}"
            for translation in translations
            if translation and set(PLACEHOLDER.findall(translation)) != set(PLACEHOLDER.findall(one))
        ]
    known_ids = {message.id for message in source}
    found += [
        f"{path.name}: no longer in the source: {message.id!r}" for message in catalog if message.id not in known_ids
    ]
    return found


def main() -> int:
    """The exit code."""
    source = extract()
    if sys.argv[1:] == ["update"]:
        for path in catalogues():
            update(path, source)
        return 0
    lines = [f"{path.parent.parent.name}: {line}" for path in catalogues() for line in problems(path, source)]
    print("\n".join(lines) or f"{len(source)} messages, all translated: {', '.join(p.parts[-3] for p in catalogues())}")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
