"""One module for each kind of file: how its text is taken out. `formats.py` knows them all."""
