"""A task is done in the engine's process as it is done here, and ends at once when nobody wants it any more."""

import asyncio
import contextlib
import time

import pytest

from newleaf.core.engine.client import Engine
from newleaf.core.engine.writing import open_writing
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.model.loading import LoadOptions
from newleaf.core.progress import Cancelled
from newleaf.core.tasks.performing import Performer, perform

TEXT = "The statement is executed.\n- An item. Another one."
SHORT = {"max_tokens": 6, "beams": 1, "temperature": 0.0}
ASKED = {
    "classify": {"text": TEXT},
    "translate": {"text": TEXT, "to": "zh"},
    "summary": {"text": TEXT},
}
ENDLESS = {"text": "Sentence upon sentence is written here. " * 2000, "to": "zh", "from": "en"}


@pytest.fixture
async def engine(taught_model):
    made = Engine()
    yield made
    await made.close()


def here(task, request):
    return list(open_writing("taught", LoadOptions()).perform(task, request, SHORT))


def test_each_task_ends_with_what_is_done_and_its_text_came_before(taught_model):
    for task, request in ASKED.items():
        *told, last = here(task, request)
        assert [*last] == ["done"] and not any("done" in each for each in told)
        if task != "classify":
            assert (
                "".join(each["delta"]["text"] for each in told if "delta" in each).strip()
                == last["done"]["text"].strip()
            )
    assert {*here("classify", ASKED["classify"])[-1]["done"]["probabilities"]} == {"good", "bad", "so so"}


def test_labels_that_a_person_names_are_taken(taught_model):
    few = here("classify", {"text": TEXT, "labels": ["good", "bad"]})
    assert {*few[-1]["done"]["probabilities"]} == {"good", "bad"} and few[-1]["done"]["taught"]
    new = here("classify", {"text": TEXT, "labels": ["good", " awful "]})
    assert new[0]["notice"] == "taught was not taught these labels: it judges by their names."
    assert {*new[-1]["done"]["probabilities"]} == {"good", "awful"} and not new[-1]["done"]["taught"]


def test_without_labels_and_untaught_there_is_no_label(tiny_model):
    with pytest.raises(UserError, match="was not taught labels: name some with --labels a,b"):
        list(open_writing("tiny", LoadOptions()).perform("classify", {"text": TEXT}, {}))
    with pytest.raises(UserError, match="nothing to classify"):
        list(open_writing("tiny", LoadOptions()).perform("classify", {"text": " "}, {}))


async def test_the_engine_gives_what_is_given_here(engine):
    for task, request in ASKED.items():
        expected = await asyncio.to_thread(here, task, request)
        found = [each async for each in engine.perform("taught", task, request, SHORT)]
        assert found == expected
    with pytest.raises(UserError, match="no task sing"):
        [each async for each in engine.perform("taught", "sing", {"text": "x"})]
    with pytest.raises(UserError, match="was not taught to translate"):
        [each async for each in engine.perform("taught", "translate", {"text": "x", "to": "fr"})]
    # What has the model in the engine already is asked there by a command.
    (*_told, last) = await asyncio.to_thread(
        lambda: list(open_writing("taught", LoadOptions()).perform("classify", {"text": TEXT}, {}))
    )
    assert last["done"] == here("classify", {"text": TEXT})[-1]["done"]


@pytest.mark.parametrize("task", ["translate", "summary"])
async def test_leaving_ends_the_work_at_once(engine, task):
    async with asyncio.timeout(120):
        async with contextlib.aclosing(engine.perform("taught", task, ENDLESS, SHORT)) as told:
            async for each in told:
                if "delta" in each or "reading" in each:
                    break
        begin = time.monotonic()
        assert [each async for each in engine.perform("taught", "classify", {"text": TEXT})]
    assert time.monotonic() - begin < 20  # of the minutes that it would take


def test_a_cancel_in_the_middle_of_an_answer_is_heard(taught_model):
    runs = []

    @contextlib.contextmanager
    def hold(run):
        runs.append(run)
        if len(runs) == 3:
            run.cancel()
        yield

    performer = Performer.of("taught", Writer.open("taught"), SHORT, hold=hold)
    with pytest.raises(Cancelled):
        list(perform(performer, "translate", ENDLESS))
    assert len(runs) == 3
