"""Writing with a model: how the next token is chosen, and the loop that goes on choosing."""
