"""The ClickHouse engine of one machine: chDB behind the HTTP interface that a ClickHouse server offers."""
