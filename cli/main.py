"""What can be done from a shell? One command a part, and those that look at what the parts do.

Imports of parts are made where they are used: `tracemill rules check` shouldn't load a stream processor.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer

from cli import configuration, overrides, rules, schema, topics, traces
from cli.dead_letters import dead_letters
from cli.demo import demo
from cli.doctor import doctor
from cli.feedback import feedback
from cli.options import ConfigOption, load
from cli.rebuild import rebuild
from cli.replay import replay
from cli.up import up

HELP: Final = """A stream-processing engine for LLM traces: OTLP in, whole and decided traces out.

`up` runs everything on one machine; `ingest`, `streams`, `sinks` and `api` run a part each. The others look at what
the parts do, or tell them what to do. Settings come from a YAML file: `tracemill config show` prints all of them.
"""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
app.add_typer(configuration.app, name="config")
app.add_typer(rules.app, name="rules")
app.add_typer(overrides.app, name="overrides")
app.add_typer(topics.app, name="topics")
app.add_typer(schema.app, name="schema")
app.command("up")(up)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("traces")(traces.traces)
app.command("trace")(traces.trace)
app.command("promote")(overrides.promote)
app.command("feedback")(feedback)
app.command("dead-letters")(dead_letters)
app.command("replay")(replay)
app.command("rebuild")(rebuild)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tracemill {version('tracemill')}")
        raise typer.Exit


@app.callback(help=HELP)
def program(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


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

    # Parts configure logs; a command says itself what goes wrong.
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
    try:
        return app(args=argv, standalone_mode=True)
    except ConfigError as error:
        print(f"tracemill: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
