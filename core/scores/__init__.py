"""How good a model's answers are, in figures of its task, beside what a simple method answers."""
