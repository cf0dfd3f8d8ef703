"""What all tests share: real servers, started once when a test asks for them."""

pytest_plugins = ["tests.fixtures.servers"]
