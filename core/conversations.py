"""Conversations with models, kept in one SQLite file: a message has a parent, and may have siblings.

Who edits what was said, or lets an answer be written again, loses nothing: the new message stands beside the old one,
below the same parent. One path from the first message to the last is the conversation as it is shown; each message
knows which of those below it the path goes through. What a person thinks of an answer is kept beside it, and can be
written as data for preference learning.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import UserError
from .home import home
from .language import gettext as _

FILE = "chats.db"
VERSION = 1  # of the tables
TITLE = 60  # characters of a title that nobody gave
EXCERPT = 80  # characters around what was searched for
SHORT = 3  # characters; shorter words are not in the index, and each text is looked at
PATIENCE = 5.0  # seconds to wait for another app that writes

_TABLES = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    changed REAL NOT NULL,
    first INTEGER  -- of its messages, the one that is shown
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    parent INTEGER REFERENCES messages ON DELETE CASCADE,
    next INTEGER,  -- of the messages below, the one that is shown
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    created REAL NOT NULL,
    rating INTEGER NOT NULL DEFAULT 0,  -- 1: good, -1: bad
    details TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX by_conversation ON messages (conversation, parent);
CREATE VIRTUAL TABLE words USING fts5(text, content='messages', content_rowid='id', tokenize='trigram');
CREATE TRIGGER added AFTER INSERT ON messages BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER removed AFTER DELETE ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
"""


@dataclass(frozen=True)
class Kept:
    """A message. `siblings` are the ids of all below the same parent, itself among them, in the order of their time."""

    id: int
    conversation: int
    parent: int | None
    role: str  # user or assistant
    text: str
    created: float
    rating: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    siblings: Sequence[int] = ()


@dataclass(frozen=True)
class Summary:
    """A conversation in a line; `excerpt` has what was searched for."""

    id: int
    title: str
    created: float
    changed: float
    messages: int
    excerpt: str = ""


class Conversations:
    """All that are kept in a home. Every method may raise UserError where the file is damaged or cannot be written."""

    def __init__(self, path: Path | None = None):
        self.path = path or home() / FILE

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        try:
            is_new = not self.path.exists()
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as connection:
                if is_new:
                    _write_ahead(connection)
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = NORMAL")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > VERSION:
                    raise UserError(_("{path} was written by a newer newleaf.").format(path=self.path))
                with connection:
                    if version < VERSION:
                        _make_tables(connection)
                    yield connection
        except sqlite3.DatabaseError as error:
            raise UserError(
                _("The conversations in {path} cannot be used: {error}. Move the file away to begin anew.").format(
                    path=self.path, error=error
                )
            ) from error

    # Reading

    def all(self, query: str = "") -> list[Summary]:
        """Those in which all words of `query` stand in one message or the title, the newest first."""
        words = _storable(query).replace("\0", " ").split()  # FTS5 takes a NUL for the end of a query
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT id, title, created, changed, (SELECT count(*) FROM messages WHERE conversation = c.id)"
                " FROM conversations c ORDER BY changed DESC, id DESC"
            ).fetchall()
            if not words:
                return [Summary(*row) for row in rows]
            found = _found(connection, words)
        summaries = []
        for row in rows:
            excerpt = found.get(row[0])
            if excerpt is not None:
                summaries.append(replace(Summary(*row), excerpt=_excerpt(excerpt, words)))
            elif all(word.lower() in row[1].lower() for word in words):
                summaries.append(Summary(*row))
        return summaries

    def path_of(self, conversation: int) -> list[Kept]:
        """The messages that are shown, from the first to the last; none where the conversation is gone."""
        with self._open() as connection:
            row = connection.execute("SELECT first FROM conversations WHERE id = ?", (conversation,)).fetchone()
            siblings: dict[int | None, list[int]] = {}
            by_id: dict[int, tuple[Any, ...]] = {}
            for each in connection.execute(
                "SELECT id, parent, next, role, text, created, rating, details FROM messages"
                " WHERE conversation = ? ORDER BY id",
                (conversation,),
            ):
                by_id[each[0]] = each
                siblings.setdefault(each[1], []).append(each[0])
        path: list[Kept] = []
        following = row[0] if row else None
        while following in by_id:
            number, parent, after, role, text, created, rating, details = by_id[following]
            path.append(
                Kept(number, conversation, parent, role, text, created, rating, json.loads(details), siblings[parent])
            )
            following = after
        return path

    def prompts(self, most: int = 200) -> list[str]:
        """What was said to models last, the newest first, each once."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT text FROM messages WHERE role = 'user' GROUP BY text ORDER BY max(id) DESC LIMIT ?", (most,)
            )
            return [row[0] for row in rows]

    # Writing

    def begin(self, title: str = "") -> int:
        """A new conversation; its number."""
        now = time.time()
        with self._open() as connection:
            cursor = connection.execute(
                "INSERT INTO conversations (title, created, changed) VALUES (?, ?, ?)", (_storable(title), now, now)
            )
            return int(cursor.lastrowid or 0)

    def add(
        self, conversation: int, parent: int | None, role: str, text: str, details: Mapping[str, Any] | None = None
    ) -> int:
        """Put a message below `parent`, or at the beginning, and let the path go through it; its number."""
        now, text = time.time(), _storable(text)
        with self._open() as connection:
            cursor = connection.execute(
                "INSERT INTO messages (conversation, parent, role, text, created, details) VALUES (?, ?, ?, ?, ?, ?)",
                (conversation, parent, role, text, now, json.dumps(dict(details or {}))),
            )
            number = int(cursor.lastrowid or 0)
            _go_through(connection, conversation, parent, number)
            connection.execute(
                "UPDATE conversations SET changed = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE id = ?",
                (now, _title(text), conversation),
            )
            return number

    def change(self, message: int, text: str, details: Mapping[str, Any]) -> None:
        """Give a message another text: more of an answer has come."""
        with self._open() as connection:
            connection.execute(
                "UPDATE messages SET text = ?, details = ? WHERE id = ?",
                (_storable(text), json.dumps(dict(details)), message),
            )

    def choose(self, message: int) -> None:
        """Let the path go through a message, and on as it went there before."""
        with self._open() as connection:
            row = connection.execute("SELECT conversation, parent FROM messages WHERE id = ?", (message,)).fetchone()
            if row:
                _go_through(connection, row[0], row[1], message)

    def rate(self, message: int, rating: int) -> None:
        """Keep what a person thinks of an answer: 1 good, -1 bad, 0 nothing."""
        with self._open() as connection:
            connection.execute("UPDATE messages SET rating = ? WHERE id = ?", (rating, message))

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation another title."""
        with self._open() as connection:
            connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", (_storable(title).strip(), conversation)
            )

    def delete(self, conversation: int) -> None:
        """Forget a conversation with all its messages."""
        with self._open() as connection:
            connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))

    # Writing it elsewhere

    def markdown(self, conversation: int) -> str:
        """A conversation as a person reads it."""
        summary = next((each for each in self.all() if each.id == conversation), None)
        parts = [f"# {summary.title if summary else conversation}"]
        for message in self.path_of(conversation):
            who = str(message.details.get("model") or message.role) if message.role == "assistant" else _("you")
            beside = str(message.details.get("beside", "")).strip()
            parts += [f"**{who}**", message.text.strip(), *([beside] if beside else [])]
        return "\n\n".join(parts) + "\n"

    def records(self, conversation: int) -> list[dict[str, Any]]:
        """A conversation as a line of data for fine-tuning: {"messages": [{"role", "content"}, ...]}."""
        path = self.path_of(conversation)
        return [{"messages": [{"role": message.role, "content": message.text} for message in path]}] if path else []

    def preferences(self) -> list[dict[str, Any]]:
        """What people thought of answers, of all conversations, in the form that preference learning reads.

        Where a prompt has a good and a bad answer: {"prompt": messages, "chosen": messages, "rejected": messages}.
        Every judged answer besides: {"prompt": messages, "completion": messages, "label": true or false}.
        """
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute("SELECT id, parent, role, text, rating FROM messages ORDER BY id").fetchall()
        by_id = {row[0]: row for row in rows}
        judged: dict[int | None, list[tuple[str, int]]] = {}
        for _number, parent, _role, text, rating in rows:
            if rating:
                judged.setdefault(parent, []).append((text, rating))
        found: list[dict[str, Any]] = []
        for parent, answers in judged.items():
            prompt: list[dict[str, str]] = []
            while parent is not None:
                _id, above, role, text, _rating = by_id[parent]
                prompt.insert(0, {"role": role, "content": text})
                parent = above
            good = [_answer(text) for text, rating in answers if rating > 0]
            bad = [_answer(text) for text, rating in answers if rating < 0]
            found += [{"prompt": prompt, "chosen": one, "rejected": other} for one in good for other in bad]
            if not (good and bad):
                found += [{"prompt": prompt, "completion": each, "label": True} for each in good]
                found += [{"prompt": prompt, "completion": each, "label": False} for each in bad]
        return found


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let others read while one writes. Of two who ask for it at once SQLite refuses one, whatever its patience."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:  # nobody else was quicker
        for statement in _statements(_TABLES):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, which `executescript` would do outside of the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _go_through(connection: sqlite3.Connection, conversation: int, parent: int | None, message: int) -> None:
    if parent is None:
        connection.execute("UPDATE conversations SET first = ? WHERE id = ?", (message, conversation))
    else:
        connection.execute("UPDATE messages SET next = ? WHERE id = ?", (message, parent))


def _found(connection: sqlite3.Connection, words: Sequence[str]) -> dict[int, str]:
    """For each conversation with such a message, the text of the newest of them."""
    indexed = [word for word in words if len(word) >= SHORT]
    others = [word for word in words if len(word) < SHORT]
    conditions, values = [], []
    if indexed:
        conditions.append("messages.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" AND ".join('"' + word.replace('"', '""') + '"' for word in indexed))
    for word in others:
        conditions.append(r"text LIKE ? ESCAPE '\'")
        values.append("%" + "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in word) + "%")
    rows = connection.execute(
        f"SELECT conversation, text FROM messages WHERE {' AND '.join(conditions)} ORDER BY id",
        values,
    )
    return dict(rows.fetchall())


def _excerpt(text: str, words: Sequence[str]) -> str:
    """A line of `text` around the first of the words in it."""
    flat = " ".join(text.split())
    place = min((at for at in (flat.lower().find(word.lower()) for word in words) if at >= 0), default=0)
    begin = max(0, place - EXCERPT // 3)
    return ("…" if begin else "") + flat[begin : begin + EXCERPT] + ("…" if begin + EXCERPT < len(flat) else "")


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


def _storable(text: str) -> str:
    """`text` without halves of surrogate pairs, which a terminal can send and UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
