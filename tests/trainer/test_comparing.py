"""Trainings side by side, in numbers."""

import pytest
from trainings import pretend_training

from newleaf.core.files import write_json
from newleaf.trainer.comparing import compare
from newleaf.trainer.jobs import Job


@pytest.mark.usefixtures("newleaf_home")
def test_passes_are_those_that_were_made():
    jobs = []
    for name, steps in (("half", 50), ("whole", 100)):
        jobs.append(Job(pretend_training(name, steps=steps)))
        write_json(jobs[-1].path / "plan.json", {"passes": 4.0, "batch_tokens": 2048, "train_tokens": 51_200})
    (row,) = (row for row in compare(jobs) if row.label == "passes over the text")
    assert row.values == ("2.00", "4.00")
