"""What all tests share: real servers, started once when a test asks for them, and properties without a stopwatch.

A run tries the same examples as the one before it, so that it fails only for what was changed. To look for more:
`pytest --hypothesis-profile=explore`, or `=hours` for crashes.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.oracles", "tests.simulation")
pytest_plugins = ["tests.fixtures.servers"]

# The machine may be busy, and dice may fall badly: neither says anything of what is tested.
settings.register_profile(
    "explore",
    settings.get_profile("default"),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.register_profile("tests", settings.get_profile("explore"), derandomize=True)
settings.register_profile("hours", settings.get_profile("explore"), max_examples=10_000)
settings.load_profile("tests")

# Everything that is asked is on loopback, whatever proxy the machine has for the rest of the world.
os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")
# What is printed is the same in a terminal of any width, without one, and where colours are forced.
for _name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(_name, None)
os.environ |= {"COLUMNS": "120", "TERM": "dumb"}
