"""What tests share: a home of their own, a small book, a tokenizer, a tiny model, and real text where there is some."""

import fcntl
import gc
import os
import shutil
from pathlib import Path

import homes
import hypothesis
import pytest

from newleaf.core import language

hypothesis.settings.register_profile("newleaf", deadline=None)  # machines differ, and this one may be busy
hypothesis.settings.load_profile("newleaf")
# Several tests run at a time, each with processes of its own, and what is computed in them is small.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # threads that wait must not stand in another process's way
REAL_TEXT = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_collection_finish(session):
    """What has been imported stays, and Python looks seldom for what can go: it took a fifth of the time of some."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def newleaf_home(tmp_path, monkeypatch):
    """A NEWLEAF_HOME and a configuration folder of the test's own, and English."""
    home = tmp_path / "home"
    monkeypatch.setenv("NEWLEAF_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NEWLEAF_LANGUAGE", "en")
    language.set_language("en")
    yield home
    for folder in (home / "jobs").glob("*"):  # no job outlives its test
        _end(folder)
    language.set_language("en")


def _end(folder):
    from newleaf.trainer.jobs import LIVE, Job

    job = Job(folder)
    if (folder / "job.json").exists() and job.state in LIVE:
        pid = job.status().get("pid")
        if pid:
            os.kill(pid, 9)


@pytest.fixture(params=[8, 16])
def lanes(request, monkeypatch):
    """What is in C for training, as for each kind of processor: those with the longer vectors have the shorter too."""
    from newleaf.core.model import attention, layer_pass, native

    if request.param > native.training_lanes():
        pytest.skip("newleaf was built without it, or for another processor")
    monkeypatch.setattr(native, "training_lanes", lambda: request.param)
    for module in (attention, layer_pass):
        monkeypatch.setattr(module, "tiles", lambda: False)


@pytest.fixture(scope="module", params=[0, 1], ids=["in pairs", "by the unit"])
def ways_of_tiles(request):
    """Tiles of bfloat16 multiplied in either way: processors with units for it can do without them too."""
    from newleaf.core.model import native

    if not native.tiles():
        pytest.skip("this processor is not quick with bfloat16, or newleaf was built without it")
    way = native.library().newleaf_tiles(request.param)
    if request.param and way < 2:
        pytest.skip("this processor has no units for tiles")
    yield
    native.library().newleaf_tiles(1)


@pytest.fixture
def real_text():
    """A function from the name of a real text to its path; skips the test where it is absent."""

    def find(name):
        if not (REAL_TEXT / name).exists():
            pytest.skip(f"there is no {name} here")
        return REAL_TEXT / name

    return find


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A home with the corpus book, the tokenizer pieces and the model tiny, made once for all processes."""
    several = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if several else tmp_path_factory.mktemp("prepared")
    home, lock = shared / "home", shared / "lock"
    before = os.environ.get("NEWLEAF_HOME")
    os.environ["NEWLEAF_HOME"] = str(home)
    try:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not (shared / "ready").exists():
                homes.prepare()
                (shared / "ready").touch()
    finally:
        os.environ.pop("NEWLEAF_HOME") if before is None else os.environ.update(NEWLEAF_HOME=before)
    return home


def _copy(prepared, home, kind, name):
    target = home / kind / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(prepared / kind / name, target)
    return target


@pytest.fixture
def book(prepared, newleaf_home):
    """The corpus book: some 80 kB of English in 40 documents; its folder."""
    newleaf_home.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(prepared / "machine.json", newleaf_home)
    return _copy(prepared, newleaf_home, "corpora", "book")


@pytest.fixture
def tokenizer(prepared, newleaf_home):
    """The tokenizer pieces, trained on book; its folder."""
    return _copy(prepared, newleaf_home, "tokenizers", "pieces")


@pytest.fixture
def tiny_model(prepared, newleaf_home):
    """The model tiny, of random weights; its folder."""
    return _copy(prepared, newleaf_home, "models", "tiny")


@pytest.fixture
def taught_model(prepared, newleaf_home, tmp_path):
    """The model taught, of random weights, which is said to know tasks; its folder."""
    import torch
    from architectures import randomise

    from newleaf.core.home import folder
    from newleaf.core.model.config import GPTConfig
    from newleaf.core.model.gpt import GPT
    from newleaf.core.model.store import save_model
    from newleaf.core.tasks.template import teach_to_chat

    torch.manual_seed(0)
    pieces = teach_to_chat(prepared / "models" / "tiny", tmp_path / "taught to chat")
    tasks = {
        "classify": {"labels": ["good", "bad", "so so"], "temperature": 2.0},
        "translate": {"languages": [["en", "zh"], ["zh", "en"]]},
        "summary": {},
        "qa": {},
    }
    model = randomise(GPT(GPTConfig(pieces.vocab_size, 256, 32, 2, 4, 2, 8, 64)))
    save_model(folder("models") / "taught", model, pieces, {"tasks": tasks, "follows": False})
    return folder("models") / "taught"
