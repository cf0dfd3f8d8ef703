"""Does the same log give the same rows, whoever reads it? The command `python -m loadtest.reread`."""
