"""How a training does, in words, from what has happened so far. Imports no torch."""

from __future__ import annotations

from bisect import bisect_right

from ..core.language import gettext as _
from .history import History

RISING = 3  # measurements, one above the other, until it is said
MARGIN = 0.002  # of a measurement: less is noise
LEAST = 0.005  # bits per byte: likewise, where there are hardly any
WORSE = 0.02  # by how much the loss is higher when a training goes wrong
GAP = 0.25  # by how much the text trained on may be known better
FLAT_STEPS, FLAT_SHARE = 400, 0.3  # steps, or of all steps, in which a loss that falls has fallen
RECENT = 100  # steps before a measurement that the loss trained on is averaged over


def health(found: History) -> list[str]:
    """Sentences, the most important first; none while there is nothing to say."""
    sentences = worries(found)
    measured = [*found.evaluations, *([] if found.final is None else [found.final])]
    if not sentences and len(measured) > 1 and measured[-1] < measured[0]:
        sentences.append(
            _("It learns: held-out text went from {first:.2f} to {last:.2f} bits per byte.").format(
                first=measured[0], last=measured[-1]
            )
        )
    return sentences


def worries(found: History) -> list[str]:
    """What is not as one hopes, the most important first."""
    sentences = []
    found = found.last_part() if found.begin else found
    rising = _rising(found.evaluations)
    if rising >= RISING and _goes_wrong(found):
        sentences.append(
            _(
                "The loss rises on the training text, too: it goes wrong, probably from a learning rate that is too "
                "high. Train anew with a lower --learning-rate."
            )
        )
    elif rising >= RISING:
        sentences.append(
            _("Held-out text has been known less well for {number} measurements: it is learning by heart.").format(
                number=rising
            )
        )
    elif found.evaluations and (end := bisect_right(found.steps, found.evaluation_steps[-1])) >= RECENT:
        trained = sum(found.bits[end - RECENT : end]) / RECENT
        if trained < min((1 - GAP) * found.evaluations[-1], found.evaluations[-1] - LEAST):
            sentences.append(
                _("It knows what it reads ({trained:.2f}) far better than held-out text ({held_out:.2f}).").format(
                    trained=trained, held_out=found.evaluations[-1]
                )
            )
    if stands := _stands_still(found):
        sentences.append(_("The loss has not fallen for {steps:,} steps.").format(steps=stands))
    return sentences


def _rising(evaluations: list[float]) -> int:
    """How many of the last measurements are each clearly above the lowest, and not below the one before."""
    if not evaluations:
        return 0
    lowest = min(range(len(evaluations)), key=evaluations.__getitem__)
    clearly = evaluations[lowest] + max(LEAST, MARGIN * evaluations[lowest])
    after = evaluations[lowest + 1 :]
    before = evaluations[lowest:-1]
    number = 0
    for value, previous in zip(reversed(after), reversed(before), strict=True):
        if value < previous * (1 - MARGIN) or value <= clearly:
            break
        number += 1
    return number


def _goes_wrong(found: History) -> bool:
    """Whether the loss on the text trained on has risen since held-out text was known best, too."""
    lowest = min(range(len(found.evaluations)), key=found.evaluations.__getitem__)
    measured = [0, *found.evaluation_steps]
    lowest += measured[lowest + 1] == 0  # before the first step there is no loss
    older = _mean_loss(found, measured[lowest], measured[lowest + 1])
    newer = _mean_loss(found, measured[-2], measured[-1])
    return older is not None and newer is not None and newer > older * (1 + WORSE)


def _mean_loss(found: History, after: int, until: int) -> float | None:
    losses = found.losses[bisect_right(found.steps, after) : bisect_right(found.steps, until)]
    return sum(losses) / len(losses) if losses else None


def _stands_still(found: History) -> int:
    """The number of steps in which the mean loss of some steps fell no more, 0 while it falls."""
    if not found.steps:
        return 0
    window = max(FLAT_STEPS, int(FLAT_SHARE * found.steps[-1]))
    first = bisect_right(found.steps, found.steps[-1] - window)
    losses = found.losses[first:]
    if first == 0 or len(losses) < 40:
        return 0
    quarter = len(losses) // 4
    older, newer = sum(losses[:quarter]) / quarter, sum(losses[-quarter:]) / quarter
    return found.steps[-1] - found.steps[first] if newer >= older * (1 - MARGIN) else 0
