"""Models in the files of other programs: GGUF, in and out."""
