"""What a training needs before its first step: a tokenizer, the corpus as numbers, a plan for this machine."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from ..core import store
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from ..core.tokenizer.options import TokenizerOptions
from ..core.tokenizer.store import TokenizerInfo
from ..core.tokenizer.token_files import TokenFiles, encode_corpus
from ..core.tokenizer.tokenizer import Tokenizer
from ..core.tokenizer.training import train_tokenizer
from .expectation import Text
from .group import workers
from .jobs import Job
from .loop import initialise
from .machine import cpu_times, machine, remember, was_busy
from .memory import give_back_memory
from .options import DEFAULT_TIME, TrainOptions
from .origin import Origin
from .plan import MOST_PREPARING, Plan, alike, changed_text, check_size, make_plan, shape_name, vocabulary_for
from .reporter import Reporter
from .trial import try_steps


class Preparation:
    """What is there already is used as it is, so that it can be gone through again."""

    def __init__(self, job: Job, reporter: Reporter, options: TrainOptions):
        self.job, self.reporter, self.options = job, reporter, options
        self.corpus = Corpus.open(job.spec["inputs"]["corpus"])
        self.origin = Origin(job) if job.spec["inputs"].get("from") else None

    @cached_property
    def known(self) -> Text:
        """What is known of the training text; to find it, some of the corpus is read."""
        return Text.of(self.corpus)

    def text(self) -> tuple[str, Tokenizer, TokenFiles]:
        """The tokenizer, trained now if there is none, and the corpus as numbers."""
        if self.origin:
            name = self.origin.info.provenance.get("tokenizer", "")
            return name, self.origin.tokenizer, self._encode(self.origin.tokenizer, self.origin.tokens_name)
        name, trained = self.job.spec["inputs"]["tokenizer"], False
        if not name:
            name = self.job.target
            if trained := name not in store.names("tokenizers"):
                size = vocabulary_for(self.options, self.known)
                self.reporter.update(message=_("training a tokenizer"))
                train_tokenizer(self.corpus, name, TokenizerOptions(vocab_size=size), self.reporter.words)
                info = TokenizerInfo.open(name)
                self.reporter.message(
                    _("No tokenizer was trained on {corpus} yet: trained {name}, {pieces:,} pieces.").format(
                        corpus=self.corpus.name, name=name, pieces=info.vocab_size
                    )
                )
        tokenizer = Tokenizer.open(name)
        try:
            return name, tokenizer, self._encode(tokenizer, name)
        except UserError:
            if trained:  # for a text that cannot be learnt from as it is
                store.remove("tokenizers", name)
            raise

    def _encode(self, tokenizer: Tokenizer, name: str) -> TokenFiles:
        files = encode_corpus(self.corpus, tokenizer, name, self.reporter.words)
        check_size(files.index["train"]["tokens"])
        self.reporter.measures_machine()
        return files

    def plan(self, tokenizer: Tokenizer, files: TokenFiles) -> Plan:
        """The plan of the first start; a resumed training keeps it, whatever was measured since."""
        path = self.job.path / "plan.json"
        if path.exists():
            return Plan.from_dict(read_object(path))
        options = self._options_left()
        here = machine(options.device, self.reporter.check)
        train, val = (int(files.index[split]["tokens"]) for split in ("train", "val"))
        origin = (self.origin.info.name, self.origin.info.config) if self.origin else None
        processes = workers(options, here.device) * options.nodes
        plan = make_plan(options, here, tokenizer.vocab_size, train, val, origin, processes, self.known)
        shape = shape_name(plan.model_config, plan.dtype, plan.optimizer, plan.sampled_softmax)
        known = here.trials.get(shape)
        tried = known is not None and (known.compiled is not None or options.compile == "off")
        # What does not fit here cannot be tried by one process.
        if not tried and not (plan.shard and processes > 1):
            model = GPT(plan.model_config)
            initialise(model, plan)
            before = cpu_times()
            with self.reporter.may_be_cut():
                trial = try_steps(model.to(plan.device), plan, options.compile, known, self.reporter.say)
            give_back_memory()  # more rows were tried than may be used
            here = remember(here, shape, trial, keep=not was_busy(before))  # not what other work made slow
        rows = plan.rows
        if not (options.batch_tokens or options.steps) and shape in here.trials:
            rows = alike(rows, here.trials[shape].micro_rows)
        options = replace(
            self._options_left(),
            size=None if origin else plan.size,
            context=plan.context,
            batch_tokens=rows * plan.context,
        )
        plan = make_plan(options, here, tokenizer.vocab_size, train, val, origin, processes, self.known)
        write_json(path, plan.as_dict())
        self.reporter.event("plan", **plan.as_dict())
        for sentence in changed_text(self.options, plan):
            self.reporter.message(sentence)
        return plan

    def _options_left(self) -> TrainOptions:
        """The options, with the time that is left of what was given: it counts from the start of the job."""
        options = self.options
        if options.steps:
            return options
        time_given = options.time or DEFAULT_TIME
        left = max(1.0, MOST_PREPARING * time_given, time_given - self.reporter.gone)
        return replace(options, time=left)
