"""Does any input at all bring something down? Bytes, mutated where they reach new code, against what else knows them.

    python -m tests.fuzz --seconds 600 [--target NAME] [--seed N]
    python -m tests.fuzz --target NAME --input FILE

The first looks for inputs that a target can't take and writes them to `.build/fuzz/NAME/`; the second tries one again.
Once its cause is mended, such an input is kept in `tests/fuzz/corpus/NAME/`, and tried with the unit tests.
"""
