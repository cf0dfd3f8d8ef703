"""Only a record that ends a process is blamed: not its neighbours, and none when the broker is at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.trial import TrialError, killers
from tests.builders.bundles import S, bundle
from tests.fixtures.poison import make_deadly, poison
from tests.fixtures.ports import own_port
from tests.fixtures.streaming import Pipeline
from tracemill.config import Config, Kafka

pytestmark = pytest.mark.integration


@pytest.fixture
def pipeline(kafka: str, namespace: str, tmp_path: Path) -> Pipeline:
    made = Pipeline(kafka, namespace, tmp_path)
    made.make_topics()
    return made


def test_only_the_records_that_end_a_process_are_blamed(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_deadly(tmp_path, monkeypatch)
    for each in (bundle([S(trace=1)]), poison(), bundle([S(trace=2)]), poison(), bundle([S(trace=4)])):
        pipeline.append(0, *each)
    assert list(killers(pipeline.config, 0, 0)) == [1, 3]
    assert list(killers(pipeline.config, 0, 4)) == []


def test_no_record_is_blamed_for_a_broker_that_is_away() -> None:
    away = Config(kafka=Kafka(bootstrap=f"127.0.0.1:{own_port()}"))
    with pytest.raises(TrialError):
        list(killers(away, 0, 0))
