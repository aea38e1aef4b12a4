"""Take the pictures of the README from the app itself: `python tools/screenshots.py [NEWLEAF_HOME]`.

Beside the pictures of the tabs, tour.svg: a walk through all of them, which moves. Without a home that has a trained
model, one is grown first: the sample text, and a minute of training.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from animation import animate

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZE = (100, 30)
MOST_FRAMES = 8  # of the tour


async def take() -> None:
    """A picture of each tab that is worth one."""
    from textual.widgets import Input, TextArea

    from newleaf.tui.app import NewleafApp
    from newleaf.tui.widgets.conversation import Conversation

    app = NewleafApp()
    async with app.run_test(size=SIZE) as pilot:
        frames: list[tuple[str, float]] = []  # of the tour

        def keep(seconds: float) -> str:
            frames.append((app.export_screenshot(title="newleaf"), seconds))
            return frames[-1][0]

        def write(name: str, picture: str) -> None:
            path = PICTURES / f"{name}.svg"
            path.write_text(picture, encoding="utf-8")
            print(path)

        async def save(name: str) -> None:
            await pilot.pause(0.5)
            write(name, keep(3))

        await pilot.press("f2")
        await save("corpus")
        await pilot.press("f3")
        app.query_one("#try-text", TextArea).text = "Return a list of the words in the string."
        await pilot.pause(3)
        await save("tokenizer")
        await pilot.press("f4")
        await pilot.pause(1)
        await save("training")
        await pilot.press("f5")
        for entry in app.query_one("ChatView").query(Input):
            if entry.name in ("seed", "max_tokens"):
                entry.value = {"seed": "1", "max_tokens": "110"}[entry.name]
        await pilot.press(*"Return")
        keep(1)
        await pilot.press("enter")
        transcript, written = app.query_one("#transcript", Conversation), 0
        while "seed 1" not in transcript.text:
            await pilot.pause(0.2)
            if len(transcript.text) - written > 80 and len(frames) < MOST_FRAMES:
                keep(0.3)
                written = len(transcript.text)
        await save("chat")
        write("tour", animate(frames))


def main() -> None:
    """Grow what is to be seen, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEWLEAF_HOME"] = sys.argv[1] if len(sys.argv) > 1 else folder
        if len(sys.argv) < 2:
            subprocess.run([sys.executable, "-m", "newleaf", "demo"], check=True, stdin=subprocess.DEVNULL)
        asyncio.run(take())


if __name__ == "__main__":
    main()
