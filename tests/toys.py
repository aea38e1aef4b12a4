"""Records of toy tasks that a tiny model learns in seconds, and fine-tunings in this process."""

import json

from newleaf.core.language import set_language
from newleaf.core.progress import Cancelled
from newleaf.trainer import jobs
from newleaf.trainer.reporter import Reporter
from newleaf.trainer.work import do

QUICK = {"device": "cpu", "dtype": "float32", "compile": "off"}
NAMES = ("cat", "dog", "cow", "pig", "hen", "fox")
COLOURS = ("red", "blue", "pink", "grey", "black", "white", "green", "brown")
FOREIGN = {
    **dict(zip(NAMES, ("miu", "vau", "muh", "oink", "kik", "fuks"), strict=True)),
    **dict(zip(COLOURS, ("rot", "blau", "rosa", "grau", "nero", "weis", "grun", "brun"), strict=True)),
}


def pairs():
    """Animals of each colour, and a number."""
    for number in range(3):
        for name in NAMES:
            for colour in COLOURS:
                yield number, name, colour


def classified():
    """Under cat, dog and the like, by the animal."""
    return [{"text": f"A {colour} {name} {n}", "label": name} for n, name, colour in pairs()]


def translated():
    """Of English and a German of our own."""
    return [
        {"en": f"{colour} {name} {n}", "de": f"{FOREIGN[colour]} {FOREIGN[name]} {n}"} for n, name, colour in pairs()
    ]


def answered():
    """The answer is the colour in the text."""
    return [
        {"question": f"Colour of {name} {n}?", "context": f"The {name} is {colour}.", "answer": colour}
        for n, name, colour in pairs()
    ]


def talked():
    """The answer repeats the animal, twice."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"I have a {name}, {n}."},
                {"role": "assistant", "content": f"A {name}!"},
                {"role": "user", "content": f"And a {colour} one."},
                {"role": "assistant", "content": f"A {colour} {name}!"},
            ]
        }
        for n, name, colour in pairs()
    ]


def write(path, rows):
    """Rows as JSON lines; their path."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def here(monkeypatch, submit, *arguments, **more):
    """Submit a job, and do it in this process; it, and what it says in its messages."""
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "start", lambda job, stdin=None: None)
        job = submit(*arguments, **more)
    return go_on(job)


def go_on(job):
    """Do a job in this process, as its own would."""
    reporter = Reporter(job)
    try:
        with reporter:
            do(job, reporter)
    except Cancelled:
        pass
    set_language("en")
    return job, [event["text"] for event in job.events()[0] if event["kind"] == "message"]
