"""Knowledge bases: documents cut into passages, kept where they can be searched."""
