"""How are bodies inflated, never beyond a limit, and answers compressed as the client asks?"""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import cramjam
import lz4.frame  # type: ignore[import-untyped]
from isal import igzip, igzip_lib, isal_zlib

from embedded.store.failures import QueryFailed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES: Final = 1024 * 1024
"""Inflated data is handed on in pieces of this size."""

Buffer = bytes | memoryview


class _Reader(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def _zstd(body: bytes) -> _Reader:
    # Not the `zstandard` library: its reader takes a stream that was cut short for one that ended.
    return zstd.ZstdFile(io.BytesIO(body))


def _gzip(body: bytes) -> _Reader:
    return igzip.IGzipFile(fileobj=io.BytesIO(body))  # type: ignore[no-untyped-call]


def _deflate(body: bytes) -> _Reader:
    return _Deflated(body)


class _Deflated:
    """zlib data as a file."""

    def __init__(self, body: bytes) -> None:
        self._inflate = isal_zlib.decompressobj()
        self._rest = body

    def read(self, size: int = -1, /) -> bytes:
        piece = self._inflate.decompress(self._rest, size)
        self._rest = self._inflate.unconsumed_tail
        if not piece and not self._inflate.eof:
            raise EOFError("the deflate stream ends too early")
        return bytes(piece)


_READERS: Final[dict[str, Callable[[bytes], _Reader]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
    "lz4": lambda body: lz4.frame.LZ4FrameFile(io.BytesIO(body)),
}

_WRITERS: Final[dict[str, Callable[[Buffer], Buffer]]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda body: zstd.compress(body, level=1),
    "br": lambda body: bytes(cramjam.brotli.compress(body, 4)),
    "gzip": lambda body: igzip.compress(body, 1),
    "deflate": lambda body: isal_zlib.compress(body, 1),
}


def inflate(pieces: list[bytes], encoding: str, limit_bytes: int) -> list[bytes]:
    """The body's pieces as they were before the client compressed them, also when they are many frames in a row.

    Raises:
        QueryFailed: more than `limit_bytes` would come out, the bytes are no such stream, or the encoding is unknown.
    """
    if encoding in ("", "identity"):
        return pieces
    body = b"".join(pieces)
    try:
        return list(_limited(_inflated(body, encoding, limit_bytes), limit_bytes))
    except (
        OSError,
        EOFError,
        RuntimeError,
        zlib.error,
        igzip_lib.error,
        zstd.ZstdError,
        cramjam.DecompressionError,
    ) as error:  # type: ignore[misc]
        raise QueryFailed(354, "ZLIB_INFLATE_FAILED", f"The body is no {encoding} stream: {error}") from error


def _inflated(body: bytes, encoding: str, limit_bytes: int) -> Iterator[bytes]:
    if encoding == "br":
        out = bytearray(limit_bytes + 1)
        yield bytes(memoryview(out)[: cramjam.brotli.decompress_into(body, out)])
        return
    if encoding not in _READERS:
        raise QueryFailed(48, "NOT_IMPLEMENTED", f"Content-Encoding '{encoding}' is unknown: use one of {_known()}")
    reader = _READERS[encoding](body)
    while piece := reader.read(PIECE_BYTES):
        yield piece


def _limited(pieces: Iterator[bytes], limit_bytes: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit_bytes:
            raise too_large(limit_bytes)
        yield piece


def _known() -> str:
    return ", ".join(sorted({"br", *_READERS}))


def too_large(limit_bytes: int) -> QueryFailed:
    """A body above the limit."""
    return QueryFailed(307, "TOO_MANY_BYTES", f"The body has more than {limit_bytes} bytes: insert in smaller blocks")


def choose(accepted: str) -> str | None:
    """The encoding of the answer among those of an Accept-Encoding header; None when none is known."""
    offered = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    return next((encoding for encoding in _WRITERS if encoding in offered), None)


def compress(body: Buffer, encoding: str) -> Buffer:
    """`body` in an encoding that `choose` gave."""
    return _WRITERS[encoding](body)
