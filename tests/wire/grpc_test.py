"""gRPC through the pair, with the real client and server: all kinds of calls, and how the mesh refuses them."""

import concurrent.futures
import threading
import time
import unittest

import grpc

import http2
from pair import A_IDENTITY
from patience import eventually, together


class Service(grpc.GenericRpcHandler):
    """shop.Echo, whose messages are plain bytes. Counts what reached it."""

    def __init__(self):
        self.calls, self.cancelled = [], threading.Event()

    def service(self, details):
        kind = details.method.rsplit("/", 1)[-1]
        self.calls.append(kind)
        return {"Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
                "Up": grpc.stream_unary_rpc_method_handler(self.up),
                "Down": grpc.unary_stream_rpc_method_handler(self.down),
                "Both": grpc.stream_stream_rpc_method_handler(self.both)}.get(kind)

    @staticmethod
    def unary(request, context):
        context.send_initial_metadata([("x-first", "1")])
        context.set_trailing_metadata([("x-last", "2"), ("x-last-bin", b"\0\xff")])
        return request[::-1]

    @staticmethod
    def fail(request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "kein Schl\u00fcssel: 100 %")

    def hang(self, request, context):
        if not context.add_callback(self.cancelled.set):
            self.cancelled.set()  # it had ended before it began
        self.cancelled.wait(10)
        return b""

    @staticmethod
    def up(requests, context):
        return b",".join(requests)

    @staticmethod
    def down(request, context):
        for number in range(int(request)):
            yield b"%d" % number

    @staticmethod
    def both(requests, context):
        for request in requests:
            yield request.upper()


class GrpcApp:
    """What WireTest wants of an app, served by grpcio."""

    def __init__(self):
        self.service = Service()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(64))
        self.server.add_generic_rpc_handlers([self.service])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def forget(self):
        self.service.calls.clear()
        self.service.cancelled.clear()

    def close(self):
        self.server.stop(None).wait(5)


class GrpcTest(http2.Http2Test):
    make_app = GrpcApp

    def setUp(self):
        super().setUp()
        self.channel = grpc.insecure_channel("%s:%d" % self.pair.outbound)
        self.addCleanup(self.channel.close)

    def call(self, kind, request, timeout=10, **more):
        channel = self.channel
        shapes = {"Up": channel.stream_unary, "Down": channel.unary_stream, "Both": channel.stream_stream}
        return shapes.get(kind, channel.unary_unary)(f"/shop.Echo/{kind}")(request, timeout=timeout, **more)

    def fails(self, code, kind="Unary", request=b"x", **more):
        with self.assertRaises(grpc.RpcError) as error:
            self.call(kind, request, **more)
        self.assertEqual(error.exception.code(), code, error.exception.details())
        return error.exception


class Calls(GrpcTest):
    def test_unary_with_metadata(self):
        stub = self.channel.unary_unary("/shop.Echo/Unary")
        answer, call = stub.with_call(b"abc", timeout=10, metadata=[("x-mine", "a"), ("x-mine-bin", b"\0\1\xff")])
        self.assertEqual(answer, b"cba")
        self.assertIn(("x-first", "1"), call.initial_metadata())
        self.assertEqual([tuple(pair) for pair in call.trailing_metadata()],
                         [("x-last", "2"), ("x-last-bin", b"\0\xff")])

    def test_messages_of_all_sizes(self):
        for size in (0, 1, 16384, 65536, 3 << 20):
            self.assertEqual(len(self.call("Unary", bytes(size))), size)

    def test_streams_up_down_and_both(self):
        words = [b"%d" % number for number in range(500)]
        self.assertEqual(self.call("Up", iter(words)), b",".join(words))
        self.assertEqual(list(self.call("Down", b"500")), words)
        self.assertEqual(list(self.call("Both", iter([b"a", b"b" * 100000, b"c"]))), [b"A", b"B" * 100000, b"C"])

    def test_each_message_of_a_conversation_arrives_at_once(self):
        turn, words = threading.Semaphore(1), [b"w%d" % number for number in range(100)]

        def speak():
            for word in words:
                turn.acquire()  # only when the last one was answered
                yield word
        heard = []
        for answer in self.call("Both", speak()):
            heard.append(answer)
            turn.release()
        self.assertEqual(heard, [word.upper() for word in words])

    def test_status_of_the_app(self):
        error = self.fails(grpc.StatusCode.NOT_FOUND, "Fail")
        self.assertEqual(error.details(), "kein Schl\u00fcssel: 100 %")
        self.fails(grpc.StatusCode.UNIMPLEMENTED, "NoSuchMethod")

    def test_deadline(self):
        began = time.monotonic()
        self.fails(grpc.StatusCode.DEADLINE_EXCEEDED, "Hang", timeout=0.3)
        self.assertLess(time.monotonic() - began, 2)
        self.assertTrue(self.backend.service.cancelled.wait(5))

    def test_cancel_reaches_the_app(self):
        call = self.channel.unary_unary("/shop.Echo/Hang").future(b"", timeout=20)
        self.assertTrue(eventually(lambda: "Hang" in self.backend.service.calls))
        call.cancel()
        self.assertTrue(self.backend.service.cancelled.wait(5))

    def test_cancel_of_a_stream_without_end(self):
        call = self.call("Down", b"1000000000")
        self.assertEqual(next(call), b"0")
        call.cancel()
        self.assertEqual(self.call("Unary", b"ab"), b"ba")

    def test_many_calls_at_once(self):
        def one(number):
            for turn in range(10):
                word = b"%d/%d" % (number, turn)
                self.assertEqual(self.call("Unary", word), word[::-1])
        self.assertEqual(together(40, one), [])
        self.assertEqual(self.backend.service.calls.count("Unary"), 400)


class DeclaredCalls(http2.DeclaredHttp2, Calls):
    """On a port that says it speaks gRPC."""


class Denied(GrpcTest):
    options = {"workload": {"name": "shop/web", "mtls": "Strict", "rules": [
        {"name": "shop/p#0", "action": "Deny", "from": [{"identities": [A_IDENTITY]}],
         "to": [{"paths": [{"exact": "/shop.Echo/" + kind} for kind in ("Up", "Down", "Fail")]}]}]}}

    def test_permission_denied_names_the_rule(self):
        error = self.fails(grpc.StatusCode.PERMISSION_DENIED, "Fail")
        self.assertIn("shop/p#0", error.details())
        self.fails(grpc.StatusCode.PERMISSION_DENIED, "Up", iter([b"a"] * 10))
        with self.assertRaises(grpc.RpcError) as error:
            list(self.call("Down", b"1"))
        self.assertEqual(error.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(self.backend.service.calls, [])
        self.assertEqual(self.call("Unary", b"ab"), b"ba")

    def test_it_is_said_in_trailers_alone(self):
        """Trailers-Only of gRPC's protocol: status 200, and the stream ends with its head."""
        response = self.http2().get(b"/shop.Echo/Fail", body=b"\0\0\0\0\0", fields=[
            (b"content-type", b"application/grpc+proto"), (b"te", b"trailers")])
        self.assertEqual((response.status, response.header(b"content-type"), response.header(b"grpc-status")),
                         (200, b"application/grpc", b"7"))
        self.assertEqual((response.body, response.trailers, response.why), (b"", [], "access/deny shop/p#0"))

    def test_others_are_still_refused_in_the_words_of_http(self):
        response = self.http2().get(b"/shop.Echo/Fail", body=b"{}", fields=[(b"content-type", b"application/json")])
        self.assertEqual((response.status, response.header(b"grpc-status")), (403, None))


class Nobody(GrpcTest):
    options = {"endpoints": lambda pair: []}

    def test_no_endpoint_is_unavailable(self):
        error = self.fails(grpc.StatusCode.UNAVAILABLE)
        self.assertIn("upstream/no-endpoint", error.details())


class Down(GrpcTest):
    def test_app_that_is_down_is_unavailable(self):
        self.backend.close()
        error = self.fails(grpc.StatusCode.UNAVAILABLE)
        self.assertIn("upstream/", error.details())


class Timeouts(GrpcTest):
    options = {"policy": {"requestTimeout": "300ms"}}

    def test_timeout_of_the_mesh_is_deadline_exceeded(self):
        error = self.fails(grpc.StatusCode.DEADLINE_EXCEEDED, "Hang")
        self.assertIn("timeout/request", error.details())
        self.assertTrue(self.backend.service.cancelled.wait(5))


class TimeoutsOfClients(GrpcTest):
    def test_grpc_timeout_is_kept_for_clients_that_do_not_watch_it_themselves(self):
        response = self.http2().get(b"/shop.Echo/Hang", body=b"\0\0\0\0\0", fields=[
            (b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"grpc-timeout", b"200m")])
        self.assertEqual((response.header(b"grpc-status"), response.why), (b"4", "timeout/request"))
        self.assertTrue(self.backend.service.cancelled.wait(5))


if __name__ == "__main__":
    unittest.main()
