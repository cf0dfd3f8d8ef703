"""What can be done from a shell? One command a part, and those that look at what the parts do.

Imports of parts are made where they are used: `tracemill rules check` shouldn't load a stream processor.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from cli import configuration, rules, schema, topics, traces
from cli.demo import demo
from cli.doctor import doctor
from cli.options import ConfigOption, load
from cli.up import up

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(configuration.app, name="config")
app.add_typer(rules.app, name="rules")
app.add_typer(topics.app, name="topics")
app.add_typer(schema.app, name="schema")
app.command("up")(up)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("traces")(traces.traces)
app.command("trace")(traces.trace)


@app.command()
def ingest(
    config: ConfigOption = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Serve without tokens on any address.")] = False,
) -> None:
    """Receive OTLP over gRPC and HTTP."""
    from ingest.app import run

    run(load(config, {"ingest": {"insecure": True}} if insecure else {}))


@app.command()
def streams(config: ConfigOption = None) -> None:
    """Assemble traces and decide about them."""
    from streams.app import run

    run(load(config))


@app.command()
def sinks(config: ConfigOption = None) -> None:
    """Write what was kept to the store."""
    from sinks.app import run

    run(load(config))


@app.command()
def api(
    config: ConfigOption = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Serve without tokens on any address.")] = False,
) -> None:
    """Serve the query API and the page."""
    from api.app import run

    run(load(config, {"api": {"insecure": True}} if insecure else {}))


def main(argv: list[str] | None = None) -> Any:
    """Entry point; an error that has a text for its user is printed without a traceback."""
    from tracemill.config import ConfigError
    from tracemill.sampling import RulesError

    try:
        return app(args=argv, standalone_mode=True)
    except (ConfigError, RulesError) as error:
        print(f"tracemill: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
