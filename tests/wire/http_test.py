"""HTTP/1.1 through the pair: what one side says is what the other hears."""

import os
import random
import socket
import threading
import time
import unittest

from backend import reply
from patience import eventually
from talk import WireTest


class Messages(WireTest):
    def test_a_connection_carries_one_request_after_the_other(self):
        client = self.client()
        for number in range(20):
            self.assertEqual(client.get(b"/n", method=b"POST", body=b"%d" % number).body, b"%d" % number)

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.client()
        client.send(b"".join(b"POST /p HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\n%03d" % n for n in range(50)))
        self.assertEqual([client.response().body for _ in range(50)], [b"%03d" % n for n in range(50)])

    def test_pipelined_requests_of_all_shapes_in_one_write(self):
        client = self.client()
        client.send(b"POST /1 HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nX: y\r\n\r\n"
                    b"HEAD /2 HTTP/1.1\r\nHost: web\r\n\r\n\r\n"
                    b"PUT /3 HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nthree"
                    b"GET /4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                    b"DELETE /5 HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
        answers = [client.response(method) for method in ("POST", "HEAD", "PUT", "GET", "DELETE")]
        self.assertEqual([answer.body for answer in answers], [b"one", b"", b"three", b"", b""])
        self.assertEqual([request.target for request in self.backend.requests], [b"/%d" % n for n in range(1, 6)])
        self.assertTrue(client.closed())

    def test_a_request_in_crumbs_of_one_byte_is_one_request(self):
        client = self.client()
        for byte in b"POST /crumbs HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        self.assertEqual(client.response().body, b"abc")
        self.assertEqual(len(self.backend.seen(b"/crumbs")), 1)

    def test_case_and_order_of_headers_survive_both_ways(self):
        sent = [b"hOsT: web", b"X-b: 1", b"x-A: 2", b"X-b: 3", b"Accept: */*", b"X-Empty:", b"X-Bytes: \xc3\xbc\xff"]
        answer = [b"sErVeR: app", b"X-Z: 1", b"Content-Length: 0", b"x-y: a  b", b"Set-Cookie: a", b"Set-Cookie: b"]
        self.backend.on(b"/case", lambda wire,
                _: wire.send(b"HTTP/1.1 201 Made it\r\n" + b"\r\n".join(answer) + b"\r\n\r\n"))
        response = self.client().send(b"GET /case?q=%41 HTTP/1.1\r\n" + b"\r\n".join(sent) + b"\r\n\r\n").response()
        request = self.backend.seen(b"/case")[0]
        self.assertEqual(request.raw_head.split(b"\r\n")[0], b"GET /case?q=%41 HTTP/1.1")
        self.assertEqual([line for line in request.lines if not line.startswith(b"x-tulle")], [
            line if line != b"X-Empty:" else b"X-Empty: " for line in sent])
        self.assertEqual((response.status, response.reason, response.lines), (201, b"Made it", answer))

    def test_bodies_of_all_sizes_come_back_whole(self):
        client = self.client()
        for size in (0, 1, 1023, 16383, 16384, 16385, 65536, 1 << 20):
            body = os.urandom(size)
            self.assertEqual(client.get(b"/echo", method=b"PUT", body=body).body, body, size)

    def test_chunked_request_with_chunks_of_one_byte_extensions_and_trailers(self):
        body = bytes(range(256)) * 4
        chunks = b"".join(b'1;n="v"\r\n%c\r\n' % byte for byte in body)
        client = self.client()
        client.send(b"POST /chunked HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
                    chunks + b"0\r\nX-Sum: 42\r\n\r\n")
        self.assertEqual(client.response().body, body)
        request = self.backend.seen(b"/chunked")[0]
        self.assertEqual(request.trailers, b"X-Sum: 42\r\n")
        self.assertEqual(client.get(b"/after").status, 200)

    def test_chunked_response_with_chunks_of_one_byte_and_trailers(self):
        def drip(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            for byte in b"drop by drop":
                wire.send(b"1\r\n%c\r\n" % byte)
            wire.send(b"0\r\nX-Sum: 7\r\n\r\n")
        self.backend.on(b"/drip", drip)
        client = self.client()
        response = client.get(b"/drip")
        self.assertEqual((response.body, response.trailers), (b"drop by drop", b"X-Sum: 7\r\n"))
        self.assertEqual(response.header(b"trailer"), b"X-Sum")
        self.assertEqual(client.get(b"/after").status, 200)

    def test_a_hundred_thousand_chunks_of_one_byte_both_ways(self):
        body = os.urandom(100000)
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Right: %d\r\n\r\n"
        self.backend.on(b"/dust", lambda wire, request: wire.send(answer % (wire.read_body(request) == body) + chunks))
        client = self.client(timeout=30)
        head = b"POST /dust HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n"
        feeder = threading.Thread(target=client.send, args=(head + chunks,))
        feeder.start()
        response = client.response()
        feeder.join()
        self.assertEqual((response.header(b"x-right"), response.body == body), (b"1", True))
        self.assertEqual(client.get(b"/after").status, 200)

    def test_first_bytes_of_a_stream_arrive_before_its_end(self):
        go_on = threading.Event()

        def stream(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            go_on.wait(5)
            wire.send(b"0\r\n\r\n")
        self.backend.on(b"/stream", stream)
        client = self.client()
        client.send(b"GET /stream HTTP/1.1\r\nHost: web\r\n\r\n").head()
        self.assertEqual(client.take(10), b"5\r\nfirst\r\n")
        go_on.set()
        self.assertEqual(client.take(5), b"0\r\n\r\n")

    def test_responses_without_body_do_not_swallow_the_next_one(self):
        head = b"HTTP/1.1 %s\r\nContent-Length: 5\r\n\r\n"
        self.backend.on(b"/head", lambda wire, _: wire.send(head % b"200 OK"))
        self.backend.on(b"/204", lambda wire, _: wire.send(b"HTTP/1.1 204 No Content\r\n\r\n"))
        self.backend.on(b"/304", lambda wire, _: wire.send(head % b"304 Not Modified"))
        client = self.client()
        self.assertEqual(client.get(b"/head", method=b"HEAD").header(b"content-length"), b"5")
        self.assertEqual(client.get(b"/204").status, 204)
        self.assertEqual(client.get(b"/304").status, 304)
        self.assertEqual(client.get(b"/x", method=b"POST", body=b"still in step").body, b"still in step")

    def test_interim_responses_pass(self):
        def early_hints(wire, request):
            wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
                    reply(b"done"))
        self.backend.on(b"/hints", early_hints)
        interims = []
        response = self.client().send(b"GET /hints HTTP/1.1\r\nHost: web\r\n\r\n").response(interims=interims)
        self.assertEqual(([i.status for i in interims], response.body), ([103, 102], b"done"))
        self.assertEqual(interims[0].header(b"link"), b"</a.css>")

    def test_expect_100_continue_waits_for_the_app(self):
        def go_ahead(wire, request):
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.send(reply(wire.read_body(request)))
        self.backend.on(b"/expect", go_ahead)
        client = self.client()
        client.send(b"POST /expect HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.head().status, 100)
        self.assertEqual(client.send(b"body").response().body, b"body")
        self.assertEqual(client.get(b"/after").status, 200)

    def test_a_body_that_does_not_wait_for_100_continue(self):
        def go_ahead(wire, request):
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.send(reply(wire.read_body(request)))
        self.backend.on(b"/hasty", go_ahead)
        client = self.client()
        ask = b"PUT /hasty HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: %s\r\n\r\nbody"
        for expectation in (b"100-continue", b"100-Continue"):
            interims = []
            client.send(ask % expectation)
            self.assertEqual((client.response(interims=interims).body, [i.status for i in interims]), (b"body", [100]))

    def test_an_app_that_knows_no_100_continue(self):
        """It waits for the body and the client for a while; then the client sends it anyway."""
        client = self.client()
        client.send(b"POST /mute HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/mute")))
        self.assertEqual(client.send(b"body").response().body, b"body")
        self.assertEqual(client.get(b"/after").status, 200)

    def test_expect_refused_by_the_app_needs_no_body(self):
        self.backend.on(b"/refuse", lambda wire, _: wire.send(reply(b"no", b"417 Expectation Failed")))
        client = self.client()
        client.send(b"POST /refuse HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        response = client.response()
        self.assertEqual((response.status, response.header(b"connection")), (417, b"close"))
        self.assertTrue(client.closed())

    def test_answer_before_the_end_of_the_request_arrives(self):
        self.backend.on(b"/early", lambda wire, _: wire.send(reply(b"too large", b"413 Content Too Large")) and False)
        client = self.client()
        client.send(b"POST /early HTTP/1.1\r\nHost: web\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(100):
                client.send(bytes(100000))
        except OSError:
            pass  # the connection ends before all is sent
        self.assertEqual(client.response().status, 413)

    def test_a_client_that_half_closes_gets_its_answer(self):
        def slow(wire, _):
            time.sleep(0.3)
            wire.send(reply(b"late"))
        self.backend.on(b"/slow", slow)
        client = self.client()
        client.send(b"GET /slow HTTP/1.1\r\nHost: web\r\n\r\n").sock.shutdown(1)
        self.assertEqual(client.response().body, b"late")
        self.assertTrue(client.closed())

    def test_a_client_that_half_closes_gets_a_long_answer_to_its_end(self):
        def drip(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(20):
                wire.send(b"5\r\nabcde\r\n")
                time.sleep(0.01)
            wire.send(b"0\r\nX-End: 1\r\n\r\n")
        self.backend.on(b"/long", drip)
        client = self.client().send(b"POST /long HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nhi")
        client.sock.shutdown(1)
        response = client.response()
        self.assertEqual((response.body, response.trailers), (b"abcde" * 20, b"X-End: 1\r\n"))

    def test_an_app_that_half_closes_after_its_answer(self):
        def half_close(wire, request):
            # In one segment: an end that comes later may cross the next POST on the way, which cannot be repeated.
            wire.sock.send(reply(wire.read_body(request)), socket.MSG_MORE)
            wire.sock.shutdown(1)
        self.backend.on(b"/half", half_close)
        client = self.client()
        for number in range(5):
            self.assertEqual(client.get(b"/half", method=b"POST", body=b"%d" % number).body, b"%d" % number)

    def test_a_connection_opened_long_before_its_first_request_is_http(self):
        client = self.client()
        time.sleep(0.5)
        response = client.get(b"/preconnect", b"x-tulle-source: forged\r\n")
        self.assertEqual(response.status, 200)
        self.assertEqual(self.backend.seen(b"/preconnect")[0].header(b"x-tulle-source"),
                         [b"spiffe://cluster.local/ns/shop/sa/client"])
        client.send(b"GE")
        time.sleep(0.3)
        client.send(b"T /again HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertEqual(client.response().status, 200)


class Http10(WireTest):
    def setUp(self):
        super().setUp()
        self.backend.on(b"/chunked", lambda wire, _: wire.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n"))

    def test_old_client_gets_a_plain_body_and_a_close(self):
        client = self.client().send(b"GET /chunked HTTP/1.0\r\nHost: web\r\n\r\n")
        response = client.response()
        self.assertEqual((response.version, response.body), (b"HTTP/1.0", b"abcdef"))
        self.assertIsNone(response.header(b"transfer-encoding"))

    def test_old_client_may_keep_its_connection(self):
        client = self.client()
        for _ in range(3):
            client.send(b"POST /k HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi")
            response = client.response()
            self.assertEqual((response.body, response.header(b"connection")), (b"hi", b"keep-alive"))

    def test_old_client_without_keep_alive_is_closed(self):
        client = self.client().send(b"GET /k HTTP/1.0\r\n\r\n")
        self.assertEqual(client.response().status, 200)
        self.assertTrue(client.closed())

    def test_old_client_may_send_one_request_after_the_other_in_one_write(self):
        ask = b"POST /k HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n%d"
        client = self.client().send(b"".join(ask % number for number in range(3)))
        self.assertEqual([client.response().body for _ in range(3)], [b"0", b"1", b"2"])

    def test_old_client_gets_heads_alone(self):
        client = self.client()
        self.backend.on(b"/size", lambda wire, _: wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
        client.send(b"HEAD /size HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        response = client.response("HEAD")
        self.assertEqual((response.header(b"content-length"), response.header(b"connection")), (b"1000", b"keep-alive"))
        client.send(b"HEAD /chunked HTTP/1.0\r\nHost: web\r\n\r\n")
        self.assertIsNone(client.response("HEAD").header(b"transfer-encoding"))
        self.assertTrue(client.closed())

    def test_old_app_is_served_too(self):
        """It closes after each answer unless it says otherwise, and knows no chunks."""
        for answer in (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold",
                       b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold"):
            self.backend.on(b"/old", lambda wire, _, answer=answer: wire.send(answer) or b"keep" in answer)
            client = self.client()
            for _ in range(3):
                self.assertEqual(client.get(b"/old").body, b"old")

    def test_old_client_never_sees_interim_responses(self):
        self.backend.on(b"/hints", lambda wire, _: wire.send(b"HTTP/1.1 103 Early\r\n\r\n" + reply(b"x")))
        self.assertEqual(self.client().send(b"GET /hints HTTP/1.0\r\nHost: web\r\n\r\n").head().status, 200)

    def test_response_until_close_ends_with_a_close(self):
        def old(wire, _):
            wire.send(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100000)
            return False
        self.backend.on(b"/old", old)
        client = self.client()
        response = client.get(b"/old")
        self.assertEqual((len(response.body), response.header(b"connection")), (100000, b"close"))


class Hops(WireTest):
    def test_headers_of_one_hop_stay_there(self):
        self.ask(b"/hop",
                extra=b"Connection: keep-alive, X-Private\r\nConnection: X-Other\r\nX-Private: 1\r\nX-Other: 2\r\n"
                                b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nX-Kept: 3\r\n")
        names = [name.lower() for name, _ in self.backend.seen(b"/hop")[0].headers]
        self.assertEqual(names, [b"host", b"x-kept", b"x-tulle-source"])

    def test_an_empty_connection_header_hides_no_other(self):
        self.ask(b"/hop2", extra=b"Connection:\r\nConnection: X-Private\r\nX-Private: 1\r\n")
        self.assertEqual(self.backend.seen(b"/hop2")[0].header(b"x-private"), [])

    def test_te_trailers_passes(self):
        self.ask(b"/te", extra=b"TE: trailers\r\nConnection: TE\r\n")
        self.assertEqual(self.backend.seen(b"/te")[0].header(b"te"), [b"trailers"])

    def test_connection_header_cannot_strip_what_others_rely_on(self):
        self.ask(b"/strip", extra=b"Connection: Authorization, Host, Content-Length, x-tulle-source, Cookie\r\n"
                                  b"Authorization: me\r\nCookie: c\r\n")
        request = self.backend.seen(b"/strip")[0]
        self.assertEqual(request.header(b"authorization") + request.header(b"cookie") + request.header(b"host"),
                         [b"me", b"c", b"web"])
        self.assertEqual(len(request.header(b"x-tulle-source")), 1)

    def test_close_of_the_client_is_honoured(self):
        client = self.client()
        self.assertEqual(client.get(b"/c", b"Connection: close\r\n").header(b"connection"), b"close")
        self.assertTrue(client.closed())

    def test_close_of_the_app_does_not_close_the_client(self):
        self.backend.on(b"/bye", lambda wire, _: (wire.send(reply(b"bye", extra=b"Connection: close\r\n")), False)[1])
        client = self.client()
        for _ in range(5):
            response = client.get(b"/bye")
            self.assertEqual((response.body, response.header(b"connection")), (b"bye", None))

    def test_connections_to_the_app_are_used_again(self):
        before = self.backend.connections
        for _ in range(50):
            self.assertEqual(self.ask(b"/reuse").status, 200)
        self.assertLessEqual(self.backend.connections - before, 2)

    def test_app_that_closes_its_idle_connections_costs_no_request(self):
        for number in range(30):
            self.assertEqual(self.ask(b"/idle").status, 200)
            self.backend.drop_connections()
            time.sleep(0.002 * (number % 5))

    def test_app_that_closes_at_any_moment_after_its_answer_costs_no_request(self):
        """Its close may cross the next request on the way."""
        def leave(wire, _):
            wire.send(reply(b"x"))
            time.sleep(random.random() * 0.001)
            return False
        self.backend.on(b"/leave", leave)
        failed = []
        client = self.client()
        for number in range(400):
            response = client.get(b"/leave")
            if response.status != 200:
                failed.append((number, response.why))
        self.assertEqual(failed, [])


if __name__ == "__main__":
    unittest.main()
