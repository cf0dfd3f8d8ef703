"""What a client's request says, checked and cut by trace, without an object a span."""
