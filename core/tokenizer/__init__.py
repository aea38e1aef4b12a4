"""How text becomes a row of numbers, and comes back: SentencePiece, set up so that nothing is lost."""
