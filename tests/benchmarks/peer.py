"""The peer of the training benchmarks: Transformers' GPT2LMHeadModel and what a Trainer is told for all of them."""

from typing import Any

from transformers import GPT2Config, GPT2LMHeadModel, TrainingArguments


def new_gpt2(layers: int, width: int, vocabulary: int, context: int) -> GPT2LMHeadModel:
    """With heads of 64 dimensions and without dropout."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_positions=context,
            n_embd=width,
            n_layer=layers,
            n_head=width // 64,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


def arguments(folder: str, steps: int, rows: int, bf16: bool, **more: Any) -> TrainingArguments:
    """On the CPU, keeping and reporting nothing."""
    return TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=rows,
        use_cpu=True,
        bf16=bf16,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        **more,
    )
