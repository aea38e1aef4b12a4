"""A training mirrored to a tracker that a person knows: TensorBoard, Weights & Biases, MLflow or trackio.

Everything stays on this machine, under `tracking/NAME` in the home. A tracker that fails ends; the training does not.

A training that goes on does steps again that it did after its last checkpoint. TensorBoard forgets those; MLflow and
trackio, which forget nothing, are not told of them twice, and where they are other steps now it has another run there.
W&B cannot go on with a run that is offline: there each start is a run, and those of a training are a group.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..core.errors import UserError
from ..core.home import folder, make_private
from ..core.language import gettext as _

MODULES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow", "trackio": "trackio"}
PROJECT = "newleaf"


class Tracker(Protocol):
    """Where figures go."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Figures of a step."""

    def end(self) -> None:
        """No more will come."""


def check_tracker(name: str) -> None:
    """Raises UserError where the tracker is not installed."""
    if importlib.util.find_spec(MODULES[name]) is None:
        raise UserError(
            _("--track {name} needs a package that is not installed: pip install 'newleaf[{name}]'").format(name=name)
        )


class Run(NamedTuple):
    """A training, as a tracker knows it."""

    name: str
    step: int  # at which it is: later than 0 in one that goes on
    differs: bool  # whether the steps from there on are others than before, if they were done before
    settings: Mapping[str, Any]

    def goes_on(self, last: int | None) -> bool:
        """Whether it goes on in a run whose last step is known, if there is one."""
        return self.step > 0 and last is not None and not (self.differs and last > self.step)


def open_tracker(name: str, run: Run) -> Tracker:
    """The tracker of this name for a run."""
    check_tracker(name)
    kinds: dict[str, Callable[[Path, Run], Tracker]] = {
        "tensorboard": _TensorBoard,
        "wandb": _Wandb,
        "mlflow": _MLflow,
        "trackio": _Trackio,
    }
    return kinds[name](make_private(folder("tracking") / name), run)


class _TensorBoard:
    def __init__(self, path: Path, run: Run):
        from torch.utils.tensorboard import SummaryWriter

        # What a killed run wrote after its last checkpoint gives way to what is done again, and all of it to another
        # training that has its name now.
        self.writer = SummaryWriter(str(path / run.name), purge_step=run.step + 1 if run.step else 0)
        settings = "\n".join(f"    {key}: {value}" for key, value in run.settings.items())
        self.writer.add_text("settings", settings, run.step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            self.writer.add_scalar(key, value, step)

    def end(self) -> None:
        self.writer.close()


class _Wandb:
    def __init__(self, path: Path, run: Run):
        import wandb

        self.run = wandb.init(
            project=PROJECT,
            name=run.name,
            group=run.name,
            dir=str(path),
            mode="offline",
            config={**run.settings, "first_step": run.step},
            settings=wandb.Settings(silent=True, console="off"),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def end(self) -> None:
        self.run.finish()


class _MLflow:
    def __init__(self, path: Path, run: Run):
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri=f"sqlite:///{path / 'mlflow.db'}")
        known = self.client.get_experiment_by_name(PROJECT)
        experiment = known.experiment_id if known else self.client.create_experiment(PROJECT)
        before = self._before(experiment, run.name) if run.step else None
        figures = before.to_proto().data.metrics if before else []
        self.last: dict[str, int] = {}  # the last step of each figure that is there
        if before and run.goes_on(max((figure.step for figure in figures), default=None)):
            self.run_id = before.info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            self.last = {figure.key: figure.step for figure in figures}
        else:
            tags = {"first_step": str(run.step)}
            self.run_id = self.client.create_run(experiment, run_name=run.name, tags=tags).info.run_id
            self.client.log_batch(self.run_id, params=[Param(key, str(value)) for key, value in run.settings.items()])

    def _before(self, experiment: str, name: str) -> Any:
        """The newest run of this name, or None; a name can have quotes, which no search knows of."""
        newest = self.client.search_runs([experiment], order_by=["attributes.start_time DESC"])
        return next((each for each in newest if each.info.run_name == name), None)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        new = [Metric(key, value, now, step) for key, value in values.items() if step > self.last.get(key, -1)]
        self.client.log_batch(self.run_id, new)

    def end(self) -> None:
        self.client.set_terminated(self.run_id)


class _Trackio:
    def __init__(self, path: Path, run: Run):
        os.environ["TRACKIO_DIR"] = str(path)
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        told = {**run.settings, "first_step": run.step}
        goes_on = run.goes_on(SQLiteStorage.get_max_step_for_run(PROJECT, run.name))
        self.run = trackio.init(project=PROJECT, name=run.name, config=told, resume="must" if goes_on else "never")
        last = SQLiteStorage.get_max_step_for_run(PROJECT, run_id=self.run.id)
        self.last = -1 if last is None else last
        self.there = set(SQLiteStorage.get_snapshot(PROJECT, step=self.last, run_id=self.run.id))  # of that step

    def log(self, step: int, values: Mapping[str, float]) -> None:
        later, last = step > self.last, step == self.last
        new = {key: value for key, value in values.items() if later or (last and key not in self.there)}
        if new:
            self.run.log(new, step=step)  # trackio.log knows of the run in the thread that began it only

    def end(self) -> None:
        self.run.finish()
