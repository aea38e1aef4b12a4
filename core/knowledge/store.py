"""A knowledge base on disk: `manifest.json`, and the database of its documents and passages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import store
from ..errors import UserError
from ..files import FolderLock, disk_size, read_object, staged_folder, write_json
from ..language import gettext as _
from ..progress import Progress, no_progress
from . import database, searching
from .answering import best_sentence
from .embeddings import Embedding
from .searching import Found

if TYPE_CHECKING:
    from .adding import Added

FORMAT = 1


@dataclass(frozen=True)
class Knowledge:
    """A knowledge base that exists. Searching it imports nothing heavy."""

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, name: str) -> Knowledge:
        """The knowledge base of this name. Raises UserError when there is none."""
        return cls.at(store.find("knowledge", name))

    @classmethod
    def at(cls, path: Path) -> Knowledge:
        """The knowledge base in this folder."""
        manifest = read_object(path / "manifest.json", "format", "created", "paths", "counts")
        if manifest["format"] != FORMAT:
            raise UserError(
                _("{path} was made by another version of newleaf. Remove it, then add its files again.").format(
                    path=path
                )
            )
        return cls(path, manifest)

    @classmethod
    def make(cls, path: Path) -> Knowledge:
        """An empty knowledge base in the new folder `path`."""
        with staged_folder(path) as folder:
            database.make(folder)
            manifest = {"format": FORMAT, "created": round(time.time(), 3), "paths": [], "counts": counts(folder)}
            write_json(folder / "manifest.json", manifest)
        return cls.at(path)

    @property
    def name(self) -> str:
        return self.path.name

    def add(
        self,
        paths: Sequence[str | Path],
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        progress: Progress = no_progress,
        embeddings: str = "",
    ) -> Added:
        """Add files, and bring those up to date that were added before; see adding.py."""
        from .adding import add_files

        return add_files(self, paths, include, exclude, progress, embeddings)

    @property
    def embedding(self) -> Embedding | None:
        """The model that its passages have vectors of; None where they have none."""
        return Embedding.of_manifest(self.manifest)

    def search(self, question: str, limit: int = 5) -> list[Found]:
        """The passages that may answer `question`, the best first."""
        with database.connected(self.path) as connection:
            return searching.search(connection, question, limit, self.embedding)

    def best_sentence(self, question: str, text: str) -> str:
        """The sentence of a passage, or the two, that best answer `question`."""
        with database.connected(self.path) as connection:
            return best_sentence(connection, question, text)

    def documents(self) -> list[dict[str, Any]]:
        """What is known of each file, in the order of their names."""
        with database.connected(self.path) as connection:
            rows = connection.execute(
                "SELECT name, size, pages, passages, characters, added FROM documents ORDER BY name"
            )
            keys = ("name", "bytes", "pages", "passages", "characters", "added")
            return [dict(zip(keys, row, strict=True)) for row in rows]

    def summary(self) -> dict[str, Any]:
        """What `knowledge list --json` says of it."""
        return {
            "name": self.name,
            "path": str(self.path),
            "created": self.manifest["created"],
            "updated": self.manifest.get("updated", self.manifest["created"]),
            **counts(self.path),
            "paths": self.manifest["paths"],
            "embeddings": self.embedding.model if self.embedding else None,
            "disk_bytes": disk_size(self.path),
        }

    def note(self, paths: Sequence[str] = (), **changed: Any) -> None:
        """Write the manifest anew: what is in the base now, that `paths` were added, and what else has changed."""
        known = list(dict.fromkeys([*self.manifest["paths"], *paths]))
        said = {"updated": round(time.time(), 3), "paths": known, "counts": counts(self.path), **changed}
        write_json(self.path / "manifest.json", {**self.manifest, **said})

    def remove(self) -> None:
        """Delete it; the files that it was made of stay. Raises UserError while files are added to it."""
        if FolderLock(self.path).is_held():
            raise busy(self.name)
        store.remove("knowledge", self.name)


def list_knowledge() -> list[Knowledge]:
    """All knowledge bases, by name."""
    return store.open_all("knowledge", Knowledge.open)


def counts(folder: Path) -> dict[str, int]:
    """How much is in the base in `folder`."""
    with database.connected(folder) as connection:
        row = connection.execute(
            "SELECT count(*), coalesce(sum(passages), 0), coalesce(sum(characters), 0), coalesce(sum(size), 0) "
            "FROM documents"
        ).fetchone()
    return dict(zip(("documents", "passages", "characters", "bytes"), row, strict=True))


def busy(name: str) -> UserError:
    """That somebody else writes into it."""
    return UserError(
        _("Another process adds files to knowledge base {name}. Wait for it, or stop it.").format(name=name)
    )
