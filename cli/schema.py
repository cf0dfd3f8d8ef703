"""How does an operator see and apply the store's schema?"""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import ConfigOption, load
from cli.reaching import plainly
from tracemill.config import ConfigError

app = typer.Typer(no_args_is_help=True, help="The store's tables and views.")


@app.command()
def show(
    config: ConfigOption = None,
    cluster: Annotated[str | None, typer.Option(help="Render for this cluster: replicated and distributed.")] = None,
) -> None:
    """Print the statements that make the store."""
    from sinks.migrations import layout_of, render, script

    more = {"store": {"cluster": cluster}} if cluster is not None else {}
    typer.echo(script(render(layout_of(load(config, more)))), nl=False)


@app.command("apply")
def apply_(config: ConfigOption = None) -> None:
    """Run what the store hasn't seen; safe to run twice, and from several places at once."""
    from sinks.clickhouse import Away, connect
    from sinks.migrations import SchemaMismatch, apply, layout_of

    loaded = load(config)
    try:
        done = apply(connect(loaded.store), layout_of(loaded))
    except Away as error:
        raise ConfigError(f"{loaded.store.url}: {plainly(error)}; `tracemill doctor` says more") from error
    except SchemaMismatch as error:
        raise ConfigError(f"{loaded.store.url}: {error}") from error
    for sentence in done.skipped:
        typer.echo(sentence)
    typer.echo(f"{len(done.ran)} statements run in database {loaded.store.database}")
