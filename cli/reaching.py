"""What does a command say when Kafka or the store doesn't answer it? One sentence, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracemill.config import ConfigError, Kafka


@contextmanager
def reaching(kafka: Kafka, *also: type[Exception]) -> Iterator[None]:
    """Ask Kafka inside; `also` are other errors that say by themselves what is wrong.

    Raises:
        ConfigError: it doesn't answer, or refuses.
    """
    from confluent_kafka import KafkaException

    try:
        yield
    except (KafkaException, TimeoutError, *also) as error:
        raise ConfigError(f"{kafka.bootstrap}: {told(error)}; `tracemill doctor` says more") from error


def plainly(error: Exception) -> str:
    """The first line about an error; of the network's, without what each layer of a client made of it."""
    first: BaseException = error
    while cause := first.__cause__ or first.__context__:
        first = cause
    return str(first if isinstance(first, OSError) else error).splitlines()[0]


def told(error: Exception) -> str:
    """The text of what Kafka's client raises, without its wrapping."""
    what = error.args[0] if error.args else error
    return str(what.str() if hasattr(what, "str") else what)
