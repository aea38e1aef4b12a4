"""The app with an engine that writes at a rate: `python tests/paced_app.py RATE TOKENS`.

What is begun and what is told at the end comes from the engine itself; the text between them is made up here.
"""

import asyncio
import sys
import time

from newleaf.core.engine.client import Engine

WORDS = "in the beginning there was a small leaf that grew and grew until it shone".split()  # noqa: SIM905


class PacedEngine(Engine):
    """Writes `tokens` words of a text that means nothing, `rate` a second; as fast as it can with a rate of 0."""

    def __init__(self, rate, tokens):
        super().__init__()
        self.rate, self.tokens = rate, tokens
        self.answered = 0

    async def generate(self, model, prompt, options, load=None):
        async for told in super().generate(model, prompt, {**options, "max_tokens": 1}, load):
            if "delta" in told:
                continue
            if "done" in told:
                async for word in self._words():
                    yield {"delta": {"index": 0, "text": word, "scores": []}}
            yield told

    async def _words(self):
        begun = time.monotonic()
        for number in range(self.tokens):
            if self.rate:
                await asyncio.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
            yield WORDS[number % len(WORDS)] + ("\n" if number % 40 == 39 else " ")
        self.answered += 1
        yield f"[{self.answered}]"


def paced_app(rate, tokens):
    """The app with such an engine."""
    from newleaf.tui.app import NewleafApp

    app = NewleafApp()
    app.engine = PacedEngine(rate, tokens)
    return app


if __name__ == "__main__":
    sys.exit(paced_app(float(sys.argv[1]), int(sys.argv[2])).run())
