"""What all tests share: real servers, started once when a test asks for them, and properties without a stopwatch."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.servers"]

# The machine may be busy: how long an example takes says nothing.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
