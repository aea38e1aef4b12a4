"""Every tab when it is full, busy and when something failed, at four sizes and in both languages."""

import asyncio
import contextlib
import shutil
import time

import pytest
from homes import TEMPLATE
from screens import compare, wait_for, wait_for_rest, wait_for_text
from textual.widgets import TextArea
from trainings import pretend_training

from newleaf.core import language
from newleaf.core.conversations import Conversations
from newleaf.core.corpus.importing import import_documents
from newleaf.core.engine.client import Engine
from newleaf.core.errors import UserError
from newleaf.core.files import read_json, write_json
from newleaf.core.home import folder
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.training import train_tokenizer
from newleaf.trainer.jobs import Job
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.prompt import PromptArea

SIZES = [(80, 24), (60, 20), (120, 40), (200, 50)]
TABS = {"f2": "corpus", "f3": "tokenizer", "f4": "training", "f5": "chat"}
ENGLISH = "In the beginning the fox saw the geese, and the geese saw the fox; and the fox was the wiser. "
CHINESE = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


@pytest.fixture(scope="module")
def full(tmp_path_factory, prepared):
    """A home with two corpora, two tokenizers, a model that chats, three trainings, and what was said."""
    home = tmp_path_factory.mktemp("full") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(home))
        shutil.copytree(prepared / "models" / "tiny", home / "models" / "tiny")
        (home / "models" / "tiny" / "chat_template.jinja").write_text(TEMPLATE)
        tale = import_documents(((f"{number}. {ENGLISH * 4}", f"{number}.txt") for number in range(40)), "tale")
        import_documents(((f"{number}。{CHINESE * 4}", f"{number}.txt") for number in range(40)), "唐诗")
        train_tokenizer(tale, "letters", TokenizerOptions(type="char"))
        train_tokenizer(tale, "pieces", TokenizerOptions(vocab_size=330))
        pretend_training("alpha", seed=1)
        pretend_training("beta", seed=2, level=1.2, state="stopped")
        pretend_training("红楼梦", seed=3)
        kept, parent = Conversations(), None
        number = kept.begin()
        for role, text in [("user", "Who was wiser?"), ("assistant", "The fox. " * 30), ("user", CHINESE)]:
            parent = kept.add(number, parent, role, text, {"mode": "chat", "request": {}, "model": "tiny"})
        kept.add(number, parent, "assistant", CHINESE * 3, {"mode": "chat", "model": "tiny", "summary": "3 tokens"})
    return home


@pytest.fixture
def home(full, newleaf_home, monkeypatch):
    """A copy of it, in which dates and durations are always the same."""
    shutil.copytree(full, newleaf_home)
    monkeypatch.setattr("time.strftime", lambda form, *moment: "2026-11-26 12:00")
    for path in newleaf_home.glob("*/*/report.json"):
        write_json(path, {**read_json(path), "seconds": 1.0})
    return newleaf_home


def pretend_job(kind, target, **status):
    """A job of another kind, as it is on the disk."""
    path = folder("jobs") / f"{kind}-{target}"
    path.mkdir(parents=True)
    spec = {"format": 1, "kind": kind, "target": target, "created": time.time(), "inputs": {}, "options": {}}
    write_json(path / "job.json", spec)
    write_json(path / "status.json", {"updated": time.time(), "pid": 1, **status})
    return path


@pytest.fixture
def busy(home, monkeypatch):
    """An import, a tokenizer and a training at work, and an answer that is being written."""
    training = pretend_training("gamma", steps=200, seed=900)
    status = read_json(training / "status.json")
    load = {"cpu_percent": 97.0, "memory_bytes": 3 * 2**30, "memory_percent": 40.0}
    write_json(
        training / "status.json",
        {**status, "state": "running", "progress": 0.5, "total_steps": 400, "eta_s": 90.0, "machine": load},
    )
    running = {"state": "running", "eta_s": 42.0}
    folders = [
        training,
        pretend_job("import", "novel", progress=0.4, message="novel.txt", bytes_per_second=2e6, **running),
        pretend_job("tokenizer", "words", progress=0.6, message="", **running),
    ]

    async def generate(self, model, prompt, options, load=None):
        yield {"started": {"left_out": 0, "messages_left_out": 0, "prompt_tokens": 20}}
        await asyncio.sleep(1.0)  # text that comes at once is shown with the next one
        yield {"delta": {"index": 0, "text": "The fox saw", "scores": []}}
        await asyncio.Event().wait()

    monkeypatch.setattr(Engine, "generate", generate)
    with contextlib.ExitStack() as held:
        for path in folders:
            lock = Job(path).lock
            assert lock.acquire()
            held.callback(lock.release)
        yield


@pytest.fixture
def failed(home, monkeypatch):
    """An import, a tokenizer and a training that failed, and an answer that did."""
    pretend_training("gamma", steps=200, seed=900, state="failed")
    for path in [
        folder("jobs") / "train-gamma",
        pretend_job("import", "novel", progress=0.4, state="failed"),
        pretend_job("tokenizer", "words", progress=0.6, state="failed"),
    ]:
        status = read_json(path / "status.json")
        write_json(path / "status.json", {**status, "error": "The disk is full: make room, then go on."})

    async def generate(self, model, prompt, options, load=None):
        yield {"started": {"left_out": 0, "messages_left_out": 0, "prompt_tokens": 20}}
        raise UserError("The model's process is gone: send it again.")

    monkeypatch.setattr(Engine, "generate", generate)


async def resized(pilot, size):
    await pilot.resize_terminal(*size)
    await wait_for_rest(pilot)


async def see_each_tab(state, code, ask=None, then=None):
    """Every tab at every size is as its golden screen; in the chat something is asked first."""
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        for key, tab in TABS.items():
            await pilot.press(key)
            if tab == "tokenizer":
                app.query_one("#try-text", TextArea).text = "The fox was the wiser."
                await wait_for(pilot, lambda: app.query_one("#first .pieces").content, "the pieces")
            if tab == "chat":
                app.query_one(ChatView).open_talk(1)
                app.query_one(Form).set("seed", "1")
                if ask:
                    app.query_one(PromptArea).text = ask
                    app.query_one(PromptArea).focus()
                    await pilot.press("enter")
                    await then(pilot)
                else:
                    await pilot.press("escape")
            for size in SIZES:
                await resized(pilot, size)
                compare(app, f"{state}-{tab}-{size[0]}x{size[1]}-{code}")
            await resized(pilot, SIZES[0])


@pytest.mark.long
@pytest.mark.parametrize("code", ["en", "zh_CN"])
async def test_full(home, code):
    await see_each_tab("full", code)


@pytest.mark.long
@pytest.mark.parametrize("code", ["en", "zh_CN"])
async def test_busy(busy, code):
    async def then(pilot):
        await wait_for_text(pilot, "The fox saw")

    await see_each_tab("busy", code, "What did it see?", then)


@pytest.mark.long
@pytest.mark.parametrize("code", ["en", "zh_CN"])
async def test_failed(failed, code):
    async def then(pilot):
        await wait_for(pilot, lambda: not pilot.app.query_one(ChatView).is_writing, "the end")

    await see_each_tab("failed", code, "What did it see?", then)
