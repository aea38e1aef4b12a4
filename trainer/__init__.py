"""Jobs, and the work that they do in the background: import, tokenizer, training."""
