"""newleaf: grow your own GPT in the terminal."""

__version__ = "0.1.0"
