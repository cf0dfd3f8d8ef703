"""The targets of the fuzzer, one a module: see `tests.fuzz.target`."""
