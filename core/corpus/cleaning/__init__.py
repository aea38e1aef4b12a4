"""Cleaning: a list of small named steps, each from text to text or to a reason to leave the text out."""
