#!/usr/bin/env python3
"""usage: grpc_server.py PORT...: a gRPC server that is healthy and has methods of all four kinds.

The trailers of each call say which pod has answered, and who the mesh says has called.
"""

import asyncio
import socket
import sys

import grpc

SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def trailers(context):
    caller = dict(list(context.invocation_metadata())).get("x-tulle-source", "")
    return (("pod", socket.gethostname()), ("source", caller))


async def health(_request, _context):
    return SERVING


async def echo(request, context):
    context.set_trailing_metadata(trailers(context))
    return request


async def count(request, context):
    """As many messages as the request says."""
    context.set_trailing_metadata(trailers(context))
    for number in range(int(request)):
        yield str(number).encode()


async def join(requests, context):
    """All messages in one."""
    context.set_trailing_metadata(trailers(context))
    return b"".join([request async for request in requests])


async def chat(requests, context):
    """Each message at once back."""
    context.set_trailing_metadata(trailers(context))
    async for request in requests:
        yield request


async def fail(request, context):
    """Ends with the status and the message that it is sent: "ABORTED why"."""
    code, _, message = request.decode().partition(" ")
    more = (*trailers(context), ("thread-bin", b"\x00\xff"))
    await context.abort(grpc.StatusCode[code], message, trailing_metadata=more)


async def wait(request, _context):
    """Begins to answer, and goes on for a minute; the log says how that ended for this request."""
    name = request.decode()
    yield b"begun"
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(f"{name} cancelled", flush=True)
        raise


async def main():
    server = grpc.aio.server()
    one, many_answers = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    many_requests, many = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": one(health)}),
        grpc.method_handlers_generic_handler("tulle.Echo", {
            "Echo": one(echo), "Count": many_answers(count), "Join": many_requests(join), "Chat": many(chat),
            "Fail": one(fail), "Wait": many_answers(wait)}),
    ))
    for port in sys.argv[1:]:
        server.add_insecure_port(f"0.0.0.0:{port}")
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())
