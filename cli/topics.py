"""How does an operator make the topics, and check them?"""

from __future__ import annotations

import typer

from cli.options import ConfigOption, load
from cli.reaching import reaching
from tracemill.topics import ALL, partition_count

app = typer.Typer(no_args_is_help=True, help="Kafka topics.")


@app.command()
def create(config: ConfigOption = None) -> None:
    """Make the topics that are missing; those that are there are checked."""
    from runtime.kafka import ensure_topics

    kafka = load(config).kafka
    with reaching(kafka):
        ensure_topics(kafka)
    for topic in ALL:
        typer.echo(f"{topic.name(kafka.namespace)}  {partition_count(topic, kafka.partitions)} partitions")


@app.command()
def check(config: ConfigOption = None) -> None:
    """Say what is wrong with the topics as they are."""
    from runtime.kafka import topic_problems

    kafka = load(config).kafka
    with reaching(kafka):
        problems = topic_problems(kafka)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo("All topics are as they should be.")
