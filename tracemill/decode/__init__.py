"""How do the raw bytes of spans become columns? One function behind one interface: `decode.spans.decode`."""
