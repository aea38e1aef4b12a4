"""How a model that is taught a task writes a chat, and the tokenizer that it takes for that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..files import staged_folder
from ..tokenizer.special import ROLES
from ..tokenizer.tokenizer import Tokenizer

# With a tokenizer that has symbols for who speaks, as those trained here have.
WITH_SYMBOLS = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# With any other: words that say who speaks, and the end of a text after each answer.
IN_WORDS = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\\n' }}"
    "{% else %}{{ 'Assistant: ' + message['content'] + eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
FILES = (
    *("tokenizer.model", "tokenizer.json", "vocab.json", "merges.txt"),
    *("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("chat_template.jinja", "generation_config.json", "config.json"),
)


def teach_to_chat(origin: Path, folder: Path) -> Tokenizer:
    """The tokenizer of the model in `origin`, with a template for chats; made in `folder` where it has none of its own.

    Raises UserError for a model without a whole tokenizer.
    """
    tokenizer = Tokenizer.at(origin)
    if tokenizer.chat_template is not None:
        return tokenizer
    if not folder.exists():
        has_symbols = all(role in tokenizer.special for role in ROLES)
        with staged_folder(folder) as staging:
            for name in FILES:
                if (origin / name).exists():
                    shutil.copyfile(origin / name, staging / name)
            template = WITH_SYMBOLS if has_symbols else IN_WORDS
            if tokenizer.begin is None:
                template = template.removeprefix("{{ bos_token }}")
            (staging / "chat_template.jinja").write_text(template, encoding="utf-8")
            ends = tokenizer.end | ({tokenizer.special[ROLES[-1]]} if has_symbols else set())
            path = staging / "generation_config.json"
            known = json.loads(path.read_bytes()) if path.exists() else {}
            path.write_text(json.dumps({**known, "eos_token_id": sorted(ends)}), encoding="utf-8")
    return Tokenizer.at(folder)
