"""`newleaf job`: work in the background."""

from __future__ import annotations

import sys
import time
from argparse import Namespace

from ..core.language import gettext as _
from ..core.options import format_duration
from ..trainer.checkpoints import list_steps
from ..trainer.comparing import compare
from ..trainer.health import health
from ..trainer.history import History
from ..trainer.jobs import LIVE, Job, job_word, kind_word, list_jobs, place_text, share_text, state_word
from ..trainer.outcome import folds_text, forgotten_text
from ..trainer.queue import move
from ..trainer.resuming import ResumeOptions, prospect, prospect_text, resume
from ..trainer.telemetry import machine_text
from .arguments import ArgumentParser, count, given
from .follow import finish, say_detached, stopped_text, watch
from .output import confirm, harmless, print_fields, print_json, print_table, say, time_left, when

PATIENCE = 60.0  # seconds that `stop` waits for the job to end


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("Work in the background. A job goes on when the terminal is closed.")
    add = parser.commands()
    command = add("list", _("all jobs, the newest first"), _list)
    command.add_json()
    for name, description, run in (
        ("show", _("where a job is"), _show),
        ("watch", _("watch a job until it ends"), _watch),
        ("pause", _("stop a training to go on with it later"), _pause),
        ("stop", _("stop a job, with all its work kept"), _stop),
        ("resume", _("go on with a job that was stopped, failed or was killed, or train longer"), _resume),
        ("move", _("give a waiting job another place in the line"), _move),
        ("log", _("what the job's process said"), _log),
        ("remove", _("delete a job and its checkpoints; what it made stays"), _remove),
    ):
        command = add(name, description, run)
        command.add_argument("name", metavar="NAME")
        if name == "show":
            command.add_json()
        elif name == "resume":
            command.add_argument(
                "--from", metavar="STEP", dest="origin", help=_("go back to a checkpoint: a step, or best")
            )
            command.add_options(ResumeOptions)
            command.add_argument("--detach", action="store_true", help=_("leave it in the background"))
        elif name == "move":
            command.add_argument("place", metavar="PLACE", type=count, help=_("1 is the next one to start"))
        elif name == "remove":
            command.add_yes()
    command = add("compare", _("results and settings of trainings, side by side; what differs first"), _compare)
    command.add_argument("names", metavar="NAME", nargs="+")
    command.add_json()


def _list(parsed: Namespace) -> None:
    jobs = [job.summary() for job in list_jobs()]
    if parsed.json:
        print_json(jobs)
    elif not jobs:
        say(_("There is no job yet."))
    else:
        print_table(
            [_("name"), _("kind"), _("state"), _("done"), _("time left"), _("started")],
            [
                [
                    entry["name"],
                    kind_word(entry["kind"]),
                    job_word(entry),
                    share_text(entry),
                    format_duration(entry["eta_s"])
                    if entry.get("eta_s") is not None and entry["state"] in LIVE
                    else "",
                    when(entry["created"]),
                ]
                for entry in jobs
            ],
        )


def _show(parsed: Namespace) -> None:
    job = Job.open(parsed.name)
    summary = job.summary()
    if parsed.json:
        print_json(summary)
        return
    left = summary.get("eta_s") if summary["state"] in LIVE else None
    shown = [
        (_("name"), summary["name"]),
        (_("path"), summary["path"]),
        (_("kind"), kind_word(summary["kind"])),
        (_("state"), job_word(summary)),
        (_("done"), f"{share_text(summary)} {time_left(left)}".strip()),
        (_("started"), when(summary["created"])),
    ]
    if place := place_text(summary):
        shown.append((_("at"), place))
    if summary.get("bits_per_byte") is not None:
        shown.append((_("bits per byte"), f"{summary['bits_per_byte']:.4f}"))
    if summary.get("mfu"):
        shown.append((_("of the peak"), f"{summary['mfu']:.0%}"))
    if summary.get("machine"):
        shown.append((_("machine"), machine_text(summary["machine"])))
    history = History()
    history.feed(job.events()[0])
    if history.folds:
        shown.append((_("folds"), folds_text(history.folds)))
    if history.forgotten:
        shown.append((_("forgotten"), forgotten_text(*history.forgotten)))
    shown += [(_("health"), sentence) for sentence in health(history)]
    if steps := list_steps(job.path / "checkpoints"):
        shown.append((_("checkpoints"), ", ".join(map(str, steps))))
    if summary["state"] not in LIVE:
        shown.append((_("resume"), prospect_text(prospect(job))))
    print_fields(shown)
    if "error" in summary:
        print(summary["error"])


def _watch(parsed: Namespace) -> int:
    return watch(Job.open(parsed.name))


def _stop(parsed: Namespace) -> None:
    job = Job.open(parsed.name)
    job.stop()
    _wait_for_end(job)


def _pause(parsed: Namespace) -> None:
    job = Job.open(parsed.name)
    job.pause()
    _wait_for_end(job)


def _wait_for_end(job: Job) -> None:
    deadline = time.monotonic() + PATIENCE
    while job.state in LIVE and time.monotonic() < deadline:
        time.sleep(0.1)
    state = job.state
    if state in LIVE:
        say(_("It is asked to stop, and will soon."))
    elif state == "stopped" and job.trains:
        say(stopped_text(job))
    else:
        say(_("Job {name} is {state}.").format(name=job.name, state=state_word(state)))


def _compare(parsed: Namespace) -> None:
    rows = compare([Job.open(name) for name in parsed.names])
    if parsed.json:
        print_json([{"label": row.label, "differs": row.differs, "values": list(row.values)} for row in rows])
    else:
        print_table(["", *parsed.names], [[row.label, *row.values] for row in rows])


def _resume(parsed: Namespace) -> int:
    job = Job.open(parsed.name)
    options = given(ResumeOptions, parsed)
    resume(job, options.time, options.steps, parsed.origin, options.where())
    if parsed.detach:
        say_detached(job)
        return 0
    return finish(job, from_now=True)


def _move(parsed: Namespace) -> None:
    line = move(Job.open(parsed.name), parsed.place)
    print_table([_("place"), _("name")], [[str(index + 1), job.name] for index, job in enumerate(line)])


def _log(parsed: Namespace) -> None:
    sys.stdout.write(harmless(Job.open(parsed.name).log(), sys.stdout))


def _remove(parsed: Namespace) -> None:
    job = Job.open(parsed.name)
    if job.state in LIVE:
        job.remove()  # says why not, before anybody is asked
    if confirm(_("Delete job {name} with its checkpoints?").format(name=job.name), parsed.yes):
        job.remove()
        say(_("Deleted."))
