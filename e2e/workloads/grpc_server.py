#!/usr/bin/env python3
"""usage: grpc_server.py PORT: a gRPC server that is healthy and answers /tulle.Echo/Echo with what it was sent."""

import sys
from concurrent import futures

import grpc

SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def unary(answer):
    return grpc.unary_unary_rpc_method_handler(lambda request, context: answer(request))


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
server.add_generic_rpc_handlers((
    grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(lambda request: SERVING)}),
    grpc.method_handlers_generic_handler("tulle.Echo", {"Echo": unary(lambda request: request)}),
))
server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
server.start()
server.wait_for_termination()
