"""The README.md of a model's folder: what it learnt from, how large and how good it is, how to load it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from ..files import read_object, write_atomic
from ..language import gettext as _
from ..options import format_duration, format_size
from .config import GPTConfig

_LICENCE = re.compile(r"[a-z0-9.-]+")


def write_card(folder: Path, name: str) -> None:
    """Write the card of the model in `folder`, from what its other files say."""
    config = GPTConfig.from_hugging_face(read_object(folder / "config.json", "model_type"))
    provenance = read_object(folder / "newleaf.json")
    write_atomic(folder / "README.md", card(name, config, provenance))


def card(name: str, config: GPTConfig, provenance: dict[str, Any]) -> str:
    """The text of the card."""
    rows = "\n".join(f"| {key} | {_cell(value)} |" for key, value in _facts(config, provenance))
    licence = str(provenance.get("license", "")).lower()
    front = ["library_name: transformers", "pipeline_tag: text-generation", "tags: [newleaf]"]
    if _LICENCE.fullmatch(licence):
        front.append(f"license: {licence}")
    if "source" in provenance:
        first = _("A GPT of {parameters:,} parameters that came from elsewhere, as newleaf keeps it.")
    else:
        first = _("A GPT of {parameters:,} parameters, grown with newleaf.")
    beginning = _("Once upon a time")
    return "\n".join(
        [
            "---",
            *front,
            "---",
            "",
            f"# {_cell(name)}",
            "",
            first.format(parameters=config.parameters),
            "",
            "| | |",
            "|---|---|",
            rows,
            "",
            _("## Use"),
            "",
            "```",
            f'newleaf generate {shlex.quote(name)} "{beginning}"',
            "```",
            "",
            "```python",
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            'folder = "."  # ' + _("this folder"),
            "tokenizer = AutoTokenizer.from_pretrained(folder)",
            "model = AutoModelForCausalLM.from_pretrained(folder)",
            f'prompt = tokenizer("{beginning}", return_tensors="pt")',
            "tokens = model.generate(**prompt, max_new_tokens=100, do_sample=True)",
            "print(tokenizer.decode(tokens[0], skip_special_tokens=True))",
            "```",
            "",
        ]
    )


def _facts(config: GPTConfig, provenance: dict[str, Any]) -> list[tuple[str, str]]:
    from ..tasks.all import taught_text

    known = provenance.get
    facts = []
    if "source" in provenance:
        facts.append((_("from"), provenance["source"]))
    if "title" in provenance:
        facts.append((_("called there"), provenance["title"]))
    if "stored_as" in provenance:
        facts.append((_("kept there as"), ", ".join(provenance["stored_as"])))
    facts += [(_("checksum"), f"{file}: SHA-256 {digest}") for file, digest in known("sha256", {}).items()]
    if "tasks" in provenance:
        facts += [(_("taught"), "; ".join(taught_text(provenance["tasks"]))), (_("from"), str(known("from", "")))]
    if "corpus" in provenance:
        size = known("corpus_bytes")
        text = _("corpus {name}").format(name=provenance["corpus"])
        facts.append((_("learnt from"), text if size is None else f"{text}, {format_size(size)}"))
    if "step" in provenance:
        facts.append(
            (
                _("trained"),
                _("{steps:,} steps, {tokens:,} tokens, {time}").format(
                    steps=provenance["step"], tokens=known("tokens", 0), time=format_duration(known("seconds", 0))
                ),
            )
        )
    if known("bits_per_byte") is not None:
        facts.append((_("held-out text"), _("{bits:.4f} bits per byte").format(bits=provenance["bits_per_byte"])))
    facts += [
        (_("architecture"), config.architecture),
        (
            _("size"),
            _("{parameters:,} parameters: {layers} layers x {width}").format(
                parameters=config.parameters, layers=config.num_layers, width=config.hidden_size
            ),
        ),
        (_("context"), _("{number:,} tokens").format(number=config.context)),
        (_("vocabulary"), f"{config.vocab_size:,}"),
    ]
    return facts


def _cell(text: str) -> str:
    """Text that is one cell of a table and no markup."""
    return re.sub(r"([\\|`*_<>\[\]#])", r"\\\1", " ".join(str(text).split()))
