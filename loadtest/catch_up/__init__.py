"""How fast is it caught up after the stream workers were down? The command `python -m loadtest.catch_up`."""
