"""How does one see Tracemill at work, with traffic to look at?"""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import ConfigOption
from cli.up import DataDir, PortOffset, Rules, start

Rate = Annotated[float, typer.Option(min=0.1, max=100, help="Agents' tasks a second, about a trace each.")]


def demo(
    config: ConfigOption = None,
    data_dir: DataDir = None,
    port_offset: PortOffset = 0,
    rules: Rules = None,
    rate: Rate = 3.0,
) -> None:
    """Run everything on this machine, with demo traffic, until Ctrl-C."""
    from embedded.demo.traffic import traffic

    start(config, data_dir, port_offset, rules, traffic(rate))
