"""Sorting a text under one of some labels.

A request is {"text", "labels" (those that the model learnt, without it)}; done is {"label", "probabilities", "taught"}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from .labels import Labels
from .performing import Performer, Told


def perform(performer: Performer, request: Mapping[str, Any]) -> Iterator[Told]:
    """Classify one text. Raises UserError and Cancelled."""
    text = str(request["text"])
    if not text.strip():
        raise UserError(_("There is nothing to classify: give a text."))
    labels = labels_for(performer, request.get("labels") or ())
    if not labels.taught:
        yield {"notice": zero_shot_notice(performer)}
    (found,) = labels.weigh([text], cancelled=performer.cancelled)
    yield {"done": {**found, "taught": labels.taught}}


def labels_for(performer: Performer, asked: Sequence[str]) -> Labels:
    """The labels that a person names, or that the model learnt. Raises UserError where neither has some."""
    about = performer.taught.get("classify")
    names = [name.strip() for name in asked if name.strip()]
    if about is None:
        if not names:
            raise UserError(
                _("{model} was not taught labels: name some with --labels a,b").format(model=performer.name)
            )
        return Labels.of(performer.writer, {"labels": names, "taught": False})
    if not names:
        return Labels.of(performer.writer, about)
    unknown = [name for name in names if name not in about["labels"]]
    return Labels.of(performer.writer, {**about, "labels": names, "taught": not unknown})


def zero_shot_notice(performer: Performer) -> str:
    """A word about labels that the model was not taught."""
    return _("{model} was not taught these labels: it judges by their names.").format(model=performer.name)
