"""What a model is and does, as a plain library: corpus, tokenizer, model, generation."""
