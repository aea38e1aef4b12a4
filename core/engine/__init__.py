"""A process that holds models and tokenizers for the interface, which imports neither torch nor SentencePiece."""
