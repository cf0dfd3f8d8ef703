"""What is in a compressed body? Inflated in steps, so that a bomb costs no more than the limit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from isal import isal_zlib

from tracemill.errors import Malformed, Reason, TooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP_BYTES: Final = 1024 * 1024
ENCODINGS: Final = ("gzip", "deflate", "zstd")
_PARTS: Final = 64
"""Gzip members or zstd frames in a body, at most: the rest of the body is copied for each."""
_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15
_ZSTD_OPTIONS: Final = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, what RFC 8878 asks a decoder to support; a larger window would take that much memory."""


def inflate(body: bytes, encoding: str, limit_bytes: int) -> Iterator[bytes]:
    """The content of a body, in steps of at most `STEP_BYTES`; `encoding` is one of `ENCODINGS`.

    Raises:
        TooLarge: more than `limit_bytes` come out.
        Malformed: the body isn't of this encoding, or cut short.
    """
    left = limit_bytes
    try:
        for step in _zstd(body) if encoding == "zstd" else _deflated(body, _window(body, encoding)):
            left -= len(step)
            if left < 0:
                text = f"the body inflates to more than {limit_bytes} bytes (limits.inflated_bytes)"
                raise TooLarge(Reason.REQUEST_TOO_LARGE, text)
            yield step
    except (isal_zlib.error, zstd.ZstdError, EOFError) as error:
        raise Malformed(Reason.BAD_ENCODING, f"the body isn't valid {encoding}, or it is cut short") from error


def _window(body: bytes, encoding: str) -> int:
    """`deflate` is zlib's format, but some clients leave its header out."""
    if encoding == "gzip":
        return _GZIP_WINDOW
    zlib = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _ZLIB_WINDOW if zlib else _RAW_WINDOW


def _deflated(body: bytes, window: int) -> Iterator[bytes]:
    """One stream, or several gzip members one after the other."""
    for _ in range(_PARTS):
        stream: Any = isal_zlib.decompressobj(window)
        while not stream.eof:
            step = stream.decompress(body, STEP_BYTES)
            body = stream.unconsumed_tail
            if step:
                yield step
            elif not body and not stream.eof:
                raise EOFError
        body = stream.unused_data
        if not body:
            return
        if window != _GZIP_WINDOW:
            break
    raise EOFError


def _zstd(body: bytes) -> Iterator[bytes]:
    """One frame, or several."""
    for _ in range(_PARTS):
        frame = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
        while not frame.eof:
            step = frame.decompress(body, STEP_BYTES)
            body = b""
            if step:
                yield step
            elif frame.needs_input:
                raise EOFError
        body = frame.unused_data
        if not body:
            return
    raise EOFError
