"""Does it stay as it is for an hour under load? The command `python -m loadtest.endurance`."""
