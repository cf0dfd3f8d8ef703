"""How does an operator check, apply and see sampling rules?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from cli.options import ConfigOption, load
from cli.reaching import reaching
from tracemill.config import ConfigError

if TYPE_CHECKING:
    from tracemill.sampling import RuleSet

app = typer.Typer(no_args_is_help=True, help="Sampling rules: which traces are kept.")

RulesFile = Annotated[Path, typer.Argument(help="A YAML file of rules, such as rules.example.yaml.")]


@app.command()
def check(file: RulesFile) -> None:
    """Say whether a file of rules is right, and if not, where it is wrong."""
    rule_set = read_rules_file(file)
    typer.echo(f"{file}: {len(rule_set.rules)} rules, hash {rule_set.digest[:12]}")


@app.command("apply")
def apply_(file: RulesFile, config: ConfigOption = None) -> None:
    """Make rules hold in every partition, from the next record on."""
    from runtime.control import ControlError, apply_rules
    from runtime.outbox import Outbox

    rule_set = read_rules_file(file)
    kafka = load(config).kafka
    with reaching(kafka, ControlError), Outbox(kafka) as outbox:
        apply_rules(outbox, rule_set)
    typer.echo(f"{file}: {len(rule_set.rules)} rules apply, hash {rule_set.digest[:12]}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A Collector's configuration, or a list of its policies.")],
    processor: Annotated[str, typer.Option(help="Which processor, if there are several: tail_sampling/NAME.")] = "",
) -> None:
    """Print the rules that a Collector's `tail_sampling` policies amount to."""
    from tracemill.sampling import RulesError
    from tracemill.sampling.tail_sampling import import_rules

    try:
        text = import_rules(file.read_text(), str(file), processor)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except RulesError as error:
        raise ConfigError(str(error)) from error
    typer.echo(text, nl=False)


@app.command()
def show(config: ConfigOption = None) -> None:
    """Print the rules that were applied last."""
    from runtime.control import applied_rules

    kafka = load(config).kafka
    with reaching(kafka):
        applied = applied_rules(kafka)
    if not applied:
        typer.echo("No rules were applied: every trace is kept.")
    else:
        text = yaml.safe_dump(yaml.safe_load(applied[-1].canonical), sort_keys=False, allow_unicode=True)
        typer.echo(f"# hash {applied[-1].digest}\n{text}", nl=False)


def read_rules_file(file: Path) -> RuleSet:
    """The rules in a file.

    Raises:
        ConfigError: it can't be read, or is wrong; every mistake is named with its line.
    """
    from tracemill.sampling import RulesError, RuleSet

    try:
        return RuleSet.parse(file.read_text(), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except RulesError as error:
        raise ConfigError(str(error)) from error
