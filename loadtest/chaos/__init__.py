"""Does everything hold while everything fails? The command `make chaos`."""
