"""Writes what OTLP exporters send to a file: `python receive.py OUT.binpb HTTP_PORT GRPC_PORT`, until interrupted.

The bodies stand one after the other, inflated: protobuf reads that as one request.
"""

import gzip
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import uvicorn

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


def main() -> None:
    out, http_port, grpc_port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    out.write_bytes(b"")

    def keep(body: bytes) -> bytes:
        with out.open("ab") as file:
            file.write(body)
        return b""

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        packed = (b"content-encoding", b"gzip") in scope["headers"]
        answer = keep(gzip.decompress(body) if packed else body)
        headers = [(b"content-type", b"application/x-protobuf")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    server = grpc.server(ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(lambda body, context: keep(body))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Export": handler})])
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    uvicorn.run(app, host="127.0.0.1", port=http_port, log_level="critical", lifespan="off")


if __name__ == "__main__":
    main()
