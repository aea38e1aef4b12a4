"""A fine-tuning: the training loop with records of tasks, and the tasks' own scores to tell how well it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import torch
from safetensors.torch import load_file, save

from ..core.corpus.store import Corpus
from ..core.files import read_object, write_atomic, write_json
from ..core.generation.generate import Writer
from ..core.language import gettext as _
from ..core.model import lora
from ..core.model.gpt import GPT
from ..core.options import format_duration
from ..core.scores.measures import MEASURES
from ..core.tasks.all import scores_text, task_of
from ..core.tasks.base import Record
from ..core.tasks.calibration import temperature
from ..core.tasks.data.options import DataOptions
from ..core.tasks.solving import solve
from ..core.tasks.template import teach_to_chat
from ..core.tokenizer.token_files import encode_corpus
from .batches import Batch, TokenBatches
from .finetune_options import FineTuneOptions
from .finetune_plan import plan_finetuning
from .group import loss_of
from .loop import State
from .memory import keep_memory
from .options import TrainOptions
from .origin import Origin
from .packing import Examples, PackedBatches, pack
from .plan import Plan, changed_text, check_size
from .records import LONGEST, Source, prepare_records, report_text
from .step import autocast
from .training import Training

SCORED_SHARE = 0.08  # of the time, at most, for answering held-out records
FIRST, MOST, WITHOUT_TIME = 16, 500, 100  # records that are answered: at first, at most, where no time is given
TIE = 0.001  # what a bit per byte counts beside a score: it decides between measurements with the same score
BEST = "best.safetensors"  # LoRA's matrices where they were best
SCORED = "scored.json"  # how many records are answered


class FineTuning(Training):
    """One fine-tuning, from the records to the model's folder."""

    options_class: ClassVar[type[TrainOptions]] = FineTuneOptions

    @property
    def chosen(self) -> FineTuneOptions:
        """What the person has said."""
        return cast(FineTuneOptions, self.options)

    def _prepare(self) -> None:
        inputs = self.job.spec["inputs"]
        self.origin = Origin(self.job)
        assert self.origin is not None
        self.tokenizer = teach_to_chat(self.origin.info.path, self.job.path / "tokenizer")
        self.tokenizer_name = str(self.origin.info.provenance.get("tokenizer", ""))
        context = self.origin.info.config.context
        longest = min(context, self.options.context or LONGEST)
        self.reporter.update(message=_("reading records"))
        sources = [Source(task, tuple(paths)) for task, paths in inputs["data"]]
        options = DataOptions.from_mapping(inputs["data_options"])
        fresh = not (self.job.path / "records").exists()
        self.records = prepare_records(
            self.job.path, sources, options, self.tokenizer, longest + 1, self.reporter.words
        )
        if fresh:
            for sentence in report_text(self.records.report):
                self.reporter.message(sentence)
        keep_memory()
        self.examples = self.records.examples("train")
        self.held_out_examples = self.records.examples("val")
        self.held_out = self.records.held_out()
        counts = self.records.report["counts"]
        tokens = max(1, counts["train_answer_tokens"])
        self.bytes_per_token = max(1, counts["train_answer_bytes"]) / tokens
        self.val_tokens = self.held_out_examples.tokens  # how much there is to measure on
        self.mixed = Corpus.open(self.chosen.mix) if self.chosen.mix else None
        if self.mixed is not None:
            name = self.origin.tokens_name
            self.mixed_files = encode_corpus(self.mixed, self.tokenizer, name, self.reporter.words)
        self.reporter.measures_machine()
        self.plan = self._settle(min(longest, max(16, counts["train_longest"])))
        self.last: tuple[float | None, dict[str, float]] = None, {}  # bits per byte of answers, score of each task

    def _settle(self, longest: int) -> Plan:
        path = self.job.path / "plan.json"
        if path.exists():
            return Plan.from_dict(read_object(path))
        assert self.origin is not None
        plan = plan_finetuning(
            self.chosen,
            self.origin.info.name,
            self.origin.info.config,
            "job" in self.origin.info.provenance and "corpus" in self.origin.info.provenance,
            longest,
            lambda context: len(pack(list(self.examples.lengths - 1), context)),
            len(self.held_out_examples.tokens),
            self.reporter.gone,
        )
        write_json(path, plan.as_dict())
        self.reporter.event("plan", **plan.as_dict())
        for sentence in changed_text(self.chosen, plan):
            self.reporter.message(sentence)
        return plan

    # What the loop needs:

    @property
    def _fingerprints(self) -> Any:
        return [self.records.report, self.tokenizer.fingerprint]

    def _batches(self) -> Callable[[int], Batch]:
        plan, share = self.plan, self.chosen.mix_share
        rows, others = plan.rows, None
        if self.mixed is not None:
            tokens = self.mixed_files.tokens("train")
            check_size(len(tokens), 2 * plan.context)
            number = min(len(tokens) // plan.context - 1, max(1, round(share * rows)))
            rows = max(1, rows - number)
            others = TokenBatches(tokens, plan.context, number, plan.seed)
        weight = self.chosen.prompt_weight
        return PackedBatches(self.examples, plan.context, rows, plan.seed, others, share, weight).batch

    def _network(self) -> tuple[GPT, Callable[[GPT], None]]:
        assert self.origin is not None
        model = GPT(self.plan.model_config)
        if not self.chosen.lora:
            return model, self.origin.load
        options, origin, seed = self.chosen, self.origin, self.plan.seed
        lora.add_lora(model, options.rank, options.scale, options.targets, seed)

        def initial(network: GPT) -> None:
            first = GPT(self.plan.model_config)
            origin.load(first)
            weights = dict(first.state_dict())
            lora.add_lora(first, options.rank, options.scale, options.targets, seed)
            if not any(True for _each in lora.lora_layers(network)):  # a new one, on the way back to the beginning
                lora.add_lora(network, options.rank, options.scale, options.targets, seed)
            network.load_state_dict({**weights, **lora.adapter_weights(first.state_dict())})

        return model, initial

    def _has_best(self) -> bool:
        return (self.job.path / BEST).exists() if self.chosen.lora else super()._has_best()

    def _best_weights(self) -> Mapping[str, Any]:
        if not self.chosen.lora:
            return super()._best_weights()
        return {**self.loop.network.weights(), **load_file(self.job.path / BEST)}

    # What is measured:

    def evaluate(self, state: State) -> float | None:
        """1 less the mean of the tasks' scores on some of the held-out records: the lower the better."""
        if not len(self.held_out_examples.ends):
            self.last = None, {}
            return None
        begin = time.perf_counter()
        bits = self._answer_bits(self.plan.eval_tokens)
        each = (time.perf_counter() - begin) / min(self.plan.eval_tokens, len(self.val_tokens))
        # Whoever wants a stop does not wait for answers: then the bits alone are measured.
        answering = self._writes and not self.stop_requested()
        number = self._how_many() if answering else 0
        begin = time.perf_counter()
        scores = self._scores(number) if answering else {}
        besides = time.perf_counter() - begin
        self.measured.keep_time(self.loop, each, besides * (2 if "classify" in self.records.tasks else 1))  # calibrated
        (mean,) = self.group.first([sum(scores.values()) / len(scores) if scores else 0.0])
        self.last = bits, scores
        if not any(task_of(name).main_score != "bits_per_byte" for name in self.records.tasks):
            return bits
        return 1 - mean + TIE * (bits or 0.0)

    def _answer_bits(self, most: int | None) -> float | None:
        """Bits per byte of the answers in held-out records, of all or of so many tokens."""
        examples, plan, device = self.held_out_examples, self.plan, self.loop.model.device
        first = examples
        if most is not None and len(examples.tokens) > most:
            number = max(1, int((examples.ends <= most).sum()))
            end = int(examples.ends[number - 1])
            first = Examples(examples.tokens[:end], examples.learnt[:end], examples.ends[:number])
        batches = PackedBatches(first, max(plan.context, int(first.lengths.max())), plan.micro_rows, 0)
        model, nats, bytes_read = self.loop.model, 0.0, 0.0
        lengths = torch.from_numpy(self.tokenizer.byte_lengths)
        model.eval()
        with torch.no_grad():
            for batch in batches.all():
                assert batch.counts is not None
                with autocast(device.type, plan.dtype):
                    mean = loss_of(model, batch.to(device))
                nats += float(mean) * batch.weight
                bytes_read += float((lengths[batch.targets] * batch.counts).sum())
        return nats / bytes_read / math.log(2) if bytes_read else None

    def _how_many(self) -> int:
        """Held-out records of each task that are answered: the same at each measurement of a job."""
        path = self.job.path / SCORED
        if self.chosen.scored:
            return self.chosen.scored
        if not path.exists():
            number = WITHOUT_TIME
            if self.plan.time:
                begin = time.perf_counter()
                self._scores(FIRST)
                each = (time.perf_counter() - begin) / FIRST
                room = SCORED_SHARE * self.plan.time / (self.plan.evaluations + 2)
                number = max(FIRST, min(MOST, int(room / each)))
            write_json(path, {"records": number})
        return int(read_object(path, "records")["records"])

    def _scores(self, most: int) -> dict[str, float]:
        """The main score of each task that has one, on so many of its held-out records."""
        found = {}
        for name, about in self.records.tasks.items():
            task = task_of(name)
            records = [record for its_task, record in self.held_out if its_task == name][:most]
            if task.main_score == "bits_per_byte" or not records:
                continue
            answers = self._answers(name, records, about)
            found[name] = MEASURES[name](records, answers).measures[task.main_score, ""].value
        return found

    def _answers(self, name: str, records: list[Record], about: Mapping[str, Any]) -> list[dict[str, Any]]:
        model = self.loop.model.eval()
        greedy = {"beams": 1, "temperature": 0.0}  # as quick as can be: a person's answers take more time
        return solve(Writer(model, self.tokenizer), task_of(name), records, about, greedy)

    def evaluated(self, state: State, score: float | None) -> None:
        """Say it, and show what the model answers now."""
        bits, scores = self.last
        best = state.best_step == state.step > 0
        if bits is not None:
            rounded = {name: round(value, 4) for name, value in scores.items()}
            self.reporter.event(
                "eval",
                step=state.step,
                bits_per_byte=round(bits, 5),
                scores=rounded,
                best=best,
                elapsed=round(state.elapsed, 2),
            )
            self.reporter.update(bits_per_byte=round(bits, 4), scores=rounded, best_step=state.best_step)
            self._track(state.step, {"held_out/answer_bits": bits, **{f"held_out/{k}": v for k, v in scores.items()}})
        if state.step and self._writes and self.held_out:
            name, record = self.held_out[0]
            asked = task_of(name).question(record)[-1]["content"]
            (answer,) = self._answers(name, [record], self.records.tasks[name])
            self.reporter.event("sample", step=state.step, prompt=f"{asked} → ", text=answer["text"])

    # The end:

    def improved(self, step: int, score: float | None) -> None:
        model = self.loop.network.whole()
        if not self._writes or model is None:
            return
        if self.chosen.lora:
            matrices = {
                name: each.detach().cpu().contiguous()
                for name, each in lora.adapter_weights(model.state_dict()).items()
            }
            self.with_room(lambda: write_atomic(self.job.path / BEST, save(matrices)))
        whole = lora.merged(model)
        self.with_room(lambda: self._save(step, score, whole))
        if self.chosen.adapter:
            assert self.origin is not None
            base = str(self.origin.info.path)
            self.with_room(lambda: lora.save_adapter(self._path / "adapter", model, base))

    def _final_score(self, state: State) -> float | None:
        """Of all held-out records the loss; of the tasks' scores what the time allows."""
        if not self.held_out:
            return None
        bits = self._answer_bits(self.measured.final_tokens)
        number = self._how_many() if self.plan.time or self.chosen.scored else len(self.held_out)
        scores = self._scores(number) if self._writes else {}
        self.last = bits, scores
        if self._writes:
            self._calibrate()
            rounded = {name: round(value, 4) for name, value in scores.items()}
            self.reporter.event(
                "eval",
                step=state.best_step,
                bits_per_byte=bits and round(bits, 5),
                scores=rounded,
                best=True,
                final=True,
            )
        return bits

    def _calibrate(self) -> None:
        """Remember the temperature with which a classification's probabilities are as right as they say."""
        about = self.records.tasks.get("classify")
        if about is None:
            return
        records = [record for name, record in self.held_out if name == "classify"][: self._how_many()]
        if records:
            writer = Writer(self.loop.model.eval(), self.tokenizer)
            found = {**about, "temperature": round(temperature(writer, about, records), 4)}
            self.records.report["tasks"]["classify"] = found

    def _result(self, score: float | None) -> dict[str, Any]:
        bits, scores = self.last
        rounded = bits and round(bits, 4)
        return {
            "bits_per_byte": rounded,
            "answer_bits": rounded,
            "scores": {name: round(value, 4) for name, value in scores.items()},
        }

    def _best_words(self) -> str:
        return _("The best weights were those of step {step:,}: with later ones held-out records came out less well.")

    def _verdict(self, score: float | None) -> str:
        bits, scores = self.last
        told = scores_text(scores)
        if bits is not None:
            told.append(_("{bits:.3f} bits per byte of the answers").format(bits=bits))
        return _("Model {name}: {scores}, on held-out records, after {steps:,} steps in {time}.").format(
            name=self.job.target,
            scores=", ".join(told) or "?",
            steps=self.loop.state.step,
            time=format_duration(self.loop.state.elapsed),
        )

    def _provenance(self, score: float | None) -> dict[str, Any]:
        assert self.origin is not None
        bits, scores = self.last
        before = self.origin.info.provenance
        tasks = dict(before.get("tasks", {}))
        for name, about in self.records.tasks.items():
            tasks[name] = {**about, **({"score": round(scores[name], 4)} if name in scores else {})}
        return {
            "bits_per_byte": None,
            "answer_bits": bits and round(bits, 5),
            "tasks": tasks,
            "follows": self.origin.info.follows or "chat" in tasks,
            "tokenizer": self.tokenizer_name,
            **self.origin.provenance(),
        }
