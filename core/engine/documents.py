"""What the engine does with a person's files besides corpora: read one, make some searchable, show records."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..language import gettext as _

if TYPE_CHECKING:
    from ..knowledge.adding import Added
    from ..progress import Progress
    from ..tasks.data.options import DataOptions

LOOKED_AT = 20  # records that tell what a file is for


def read_text(request: dict[str, Any]) -> str:
    """The text of a file of any kind that corpora read."""
    from ..corpus.whole_text import text_at

    return text_at([request["path"]])


def add_knowledge(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Add files to the knowledge base of a name; what became of them, and what is in it now."""
    from ..knowledge.adding import add_to_named
    from ..knowledge.store import Knowledge

    added = add_to_named(request["paths"], request["name"], progress=progress, embeddings=request.get("embeddings", ""))
    return {**asdict(added), "summary": Knowledge.open(request["name"]).summary()}


def knowledge_of(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """A knowledge base without a name, of some files as they are now: its folder, and what became of them."""
    from ..knowledge.temporary import knowledge_of

    heard: list[Added] = []
    knowledge = knowledge_of(request["paths"], progress, heard.append)
    return {**asdict(heard[0]), "path": str(knowledge.path)}


def preview_records(request: dict[str, Any]) -> dict[str, Any]:
    """Records as a model will see them: see `newleaf.core.tasks.preview`. Without a task, of the one that they fit.

    Beside it "fits", the tasks that they fit where none was named.
    """
    from ..model.store import ModelInfo
    from ..tasks.data.options import DataOptions
    from ..tasks.preview import preview_records

    options = DataOptions.from_mapping(request["options"])
    task = request["task"]
    fits: list[str] = []
    if not task:
        task, fits = find_task(request["paths"], options)
        if not task:
            return {"task": "", "fits": fits}
    (found,) = preview_records(ModelInfo.open(request["model"]), [(task, request["paths"])], options)
    return {**found, "fits": fits}


def find_task(paths: list[str], options: DataOptions) -> tuple[str, list[str]]:
    """The task that the records in `paths` are for, and all that they fit like it; "" where several fit as well.

    One whose columns bear the names that it looks for goes before another, and then the one that has a use for most of
    them. Raises UserError where the records fit none.
    """
    from ..corpus.sources import find_sources
    from ..tasks.all import TASKS
    from ..tasks.data.reading import preview

    find_sources(paths)  # says what is wrong before all tasks say it
    used: dict[str, tuple[bool, int]] = {}
    for name, task in TASKS.items():
        try:
            columns = preview(task, paths, options, LOOKED_AT).columns
        except UserError:
            continue
        # A question with its answer is a chat too, but a poor one.
        is_pair = name == "chat" and " + " in columns.get("messages", "")
        named = is_pair or all(
            _is_called(columns.get(field.name, field.name), (field.name, *field.columns), name == "translate")
            for field in task.fields
            if field.needed
        )
        used[name] = named, 0 if is_pair else len(columns)
    if not used:
        raise UserError(
            _("These records fit no task by the names of their columns. Choose the task, and name the columns.")
        )
    most = max(used.values())
    best = [name for name, use in used.items() if use == most]
    return best[0] if len(best) == 1 else "", [name for name, (named, _number) in used.items() if named == most[0]]


def _is_called(column: str, names: tuple[str, ...], by_language: bool) -> bool:
    """Whether a column has one of these names, or is called like a language where that says what is in it."""
    from ..tasks.data.languages import language_code

    return column.lower() in names or (by_language and language_code(column.rpartition(".")[2]) is not None)
