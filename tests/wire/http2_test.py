"""HTTP/2 through the pair: what one side says is what the other hears, whichever version of HTTP each speaks."""

import os
import time
import unittest

import talk
from frames import Raw, request_fields, request_head
from http2 import Client, DeclaredHttp2, Http2Test
from pair import A_IDENTITY
from patience import eventually, together
from stream import Truncated


def plain(fields):
    """Without pseudo headers, what the mesh adds, and a length that was not said before."""
    return [field for field in fields if not field[0].startswith((b":", b"x-tulle", b"content-length"))]


class Messages(Http2Test):
    def test_requests_and_answers_are_heard_as_they_were_said(self):
        said = [(b"x-b", b"1"), (b"x-a", b"2"), (b"x-b", b"3"), (b"x-empty", b""), (b"x-bytes", b"\xc3\xbc\xff"),
                (b"accept", b"*/*")]
        answer = [(b"server", b"app"), (b"x-z", b"1"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d"),
                  (b"x-y", b"a  b")]
        self.backend.on(b"/said", lambda exchange: exchange.respond(status=201, fields=answer))
        response = self.http2().get(b"/said?q=%41", fields=said)
        request = self.backend.seen(b"/said")[0]
        self.assertEqual([request.header(name) for name in (b":method", b":path", b":authority", b":scheme")],
                         [b"GET", b"/said?q=%41", b"web", b"http"])
        self.assertEqual(plain(request.headers), said)
        self.assertEqual(request.all(b"x-tulle-source"), [A_IDENTITY.encode()])
        self.assertEqual((response.status, plain(response.headers)), (201, answer))

    def test_one_connection_carries_one_request_after_the_other(self):
        client = self.http2()
        for number in range(100):
            self.assertEqual(client.get(b"/n", body=b"%d" % number).body, b"%d" % number)
        self.assertLessEqual(len(self.backend.connections), 2)

    def test_bodies_of_all_sizes_come_back_whole(self):
        client = self.http2()
        for size in (0, 1, 16383, 16384, 16385, 65535, 65536, 1 << 20):
            body = os.urandom(size)
            for fields in [], [(b"content-length", b"%d" % size)]:
                self.assertEqual(client.get(b"/echo", body=body, fields=fields).body, body, size)

    def test_trailers_pass_both_ways(self):
        self.backend.on(b"/trailers", lambda exchange: exchange.whole().respond(b"x", trailers=[(b"x-sum", b"42")]))
        client = self.http2()
        for fields in [], [(b"te", b"trailers"), (b"trailer", b"x-time")]:
            said = [(b"x-time", b"7"), (b"x-time", b"8")]
            response = client.get(b"/trailers", body=b"y", fields=fields, trailers=said)
            self.assertEqual((response.body, response.trailers), (b"x", [(b"x-sum", b"42")]))
            request = self.backend.seen(b"/trailers")[-1]
            self.assertEqual((request.body, request.trailers), (b"y", said))

    def test_trailers_without_a_body(self):
        self.backend.on(b"/only", lambda exchange: exchange.whole().respond(trailers=[(b"x-sum", b"0")]))
        response = self.http2().get(b"/only", trailers=[(b"x-time", b"7")])
        self.assertEqual((response.body, response.trailers), (b"", [(b"x-sum", b"0")]))
        self.assertEqual(self.backend.seen(b"/only")[0].trailers, [(b"x-time", b"7")])

    def test_answers_without_a_body(self):
        length = [(b"content-length", b"5")]
        self.backend.on(b"/head", lambda exchange: exchange.respond(fields=length))
        self.backend.on(b"/204", lambda exchange: exchange.respond(status=204))
        self.backend.on(b"/304", lambda exchange: exchange.respond(status=304, fields=length))
        client = self.http2()
        response = client.get(b"/head", method=b"HEAD")
        self.assertEqual((response.status, response.header(b"content-length"), response.body), (200, b"5", b""))
        self.assertEqual([client.get(path).status for path in (b"/204", b"/304")], [204, 304])
        self.assertEqual(client.get(b"/after", body=b"in step").body, b"in step")

    def test_interim_responses_pass(self):
        def hint(exchange):
            exchange.send_headers([(b":status", b"103"), (b"link", b"</a.css>")])
            exchange.respond(b"done")
        self.backend.on(b"/hints", hint)
        response = self.http2().get(b"/hints")
        self.assertEqual(([dict(i)[b":status"] for i in response.interims], response.body), ([b"103"], b"done"))

    def test_expect_100_continue_waits_for_the_app(self):
        def go_ahead(exchange):
            exchange.send_headers([(b":status", b"100")])
            exchange.whole().respond(bytes(exchange.body))
        self.backend.on(b"/expect", go_ahead)
        exchange = self.http2().start(b"/expect", b"PUT", [(b"expect", b"100-continue")])
        exchange.wait(lambda: exchange.interims)
        exchange.send(b"body", end=True)
        self.assertEqual(exchange.whole().body, b"body")

    def test_both_directions_at_once(self):
        """Each piece is answered before the next is sent."""
        def mirror(exchange):
            exchange.send_headers([(b":status", b"200")])
            done = 0
            while not (exchange.ended and done == len(exchange.body)):
                exchange.wait(lambda: exchange.ended or len(exchange.body) > done)
                piece = bytes(exchange.body[done:])
                exchange.send(piece)
                done += len(piece)
            exchange.send(b"", end=True)
        self.backend.on(b"/mirror", mirror)
        exchange = self.http2().start(b"/mirror", b"POST")
        for number in range(1, 51):
            exchange.send(b"ping")
            exchange.wait(lambda: len(exchange.body) == 4 * number)
        exchange.send(b"", end=True)
        self.assertEqual(exchange.whole().body, b"ping" * 50)

    def test_cookies_in_crumbs_mean_the_same(self):
        self.http2().get(b"/crumbs", fields=[(b"cookie", b"a=b"), (b"cookie", b"c=d")])
        self.assertEqual(b"; ".join(self.backend.seen(b"/crumbs")[0].all(b"cookie")), b"a=b; c=d")

    def test_answer_before_the_end_of_the_request_arrives(self):
        self.backend.on(b"/early", lambda exchange: exchange.respond(b"too large", status=413))
        exchange = self.http2().start(b"/early", b"POST")
        self.assertEqual((exchange.whole().status, exchange.body), (413, b"too large"))

    def test_headers_of_the_mesh_are_not_believed(self):
        self.http2().get(b"/forged", fields=[(b"x-tulle-source", b"forged"), (b"x_tulle_source", b"forged"),
                                             (b"x-tulle-unsent", b"1")])
        ours = [value for name, value in self.backend.seen(b"/forged")[0].headers if b"tulle" in name]
        self.assertEqual(ours, [A_IDENTITY.encode()])

    def test_metrics_and_log_know_the_protocol(self):
        self.http2().get(b"/log")
        line = self.pair.b.logged(path="/log", code=200)[0]
        self.assertEqual((line["method"], line["protocol"]), ("GET", "http2"))


class AtTheDoor(Http2Test):
    """HTTP/2 that comes to sidecar B past every sidecar A."""

    def test_plaintext_is_refused(self):
        raw = Raw(self.pair.inbound())
        raw.send(request_head(1, *request_fields(b"/secret")))
        self.assertIn(raw.answer(1), (403, "reset", "connection ended"))
        raw.stream.sock.close()
        self.assertEqual(self.backend.requests, [])


class Permissive(Http2Test):
    options = {"workload": {"name": "shop/web", "mtls": "Permissive"}}

    def test_plaintext_is_served_without_identity(self):
        with Client(self.pair.inbound()) as client:
            forged = [(b"x-tulle-source", b"forged"), (b"x_tulle_source", b"forged")]
            response = client.get(b"/plain", body=b"x" * 100000, fields=forged, trailers=forged)
        self.assertEqual((response.status, len(response.body)), (200, 100000))
        request = self.backend.seen(b"/plain")[0]
        self.assertEqual([name for name, _ in request.headers + request.trailers if b"tulle" in name], [])


class Transparency(Http2Test):
    """The same request sent to the app directly and through the pair has the same effect on both ends."""

    RESPONSES = [
        (201, [(b"server", b"app"), (b"x-b", b""), (b"x-a", b"1"), (b"x-b", b"2")], b"body", None),
        (204, [], b"", None), (205, [(b"content-length", b"0")], b"", None), (299, [(b"x", b"a\tb")], b"odd", None),
        (304, [(b"etag", b'W/"x"'), (b"content-length", b"1000")], b"", None), (404, [], b"", [(b"x-t", b"1")]),
        (500, [(b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")], b"x" * 100000, [(b"x-t", b"1"), (b"x-t", b"2")]),
        (503, [(b"retry-after", b"7")], b"later", None), (599, [(b"x", b"\x80\xff")], b"", None)]
    REQUESTS = [
        (b"GET", [], None, None), (b"HEAD", [], None, None), (b"OPTIONS", [(b"x-empty", b"")], None, None),
        (b"POST", [(b"content-length", b"4")], b"body", None), (b"PUT", [(b"te", b"trailers")], b"x" * 70000, None),
        (b"PATCH", [(b"trailer", b"x-t")], b"body", [(b"x-t", b"1")]),
        (b"DELETE", [(b"x-a", b"a \xc3\xbc")], b"", None)]

    def exchange(self, client, method, fields, body, trailers):
        """What client and app saw."""
        self.backend.forget()
        answer = client.get(b"/o?a=b&c=%41", body=body, method=method, fields=fields, trailers=trailers)
        request = self.backend.requests[0]
        said = [field for field in request.headers if field[0].startswith(b":")]
        return [(answer.status, plain(answer.headers), answer.body, answer.trailers),
                (sorted(said), plain(request.headers), request.body, request.trailers)]

    def test_every_request_and_response(self):
        direct, meshed = Client(("127.0.0.1", self.backend.port)), self.http2()
        self.addCleanup(direct.close)
        for response in self.RESPONSES:
            def answer(exchange, response=response):
                status, fields, body, trailers = response
                if exchange.header(b":method") == b"HEAD":
                    body, trailers = b"", None  # HTTP/1 has no place for them there
                exchange.whole().respond(body, status, fields, trailers)
            self.backend.default = answer
            for request in self.REQUESTS:
                with self.subTest(response=response[:2], request=request[:2]):
                    self.assertEqual(self.exchange(meshed, *request), self.exchange(direct, *request))


class Denied(Http2Test):
    options = {"workload": {"name": "shop/web", "mtls": "Strict", "rules": [
        {"name": "shop/p#0", "action": "Deny", "from": [{"identities": [A_IDENTITY]}],
         "to": [{"paths": [{"prefix": "/admin"}]}]}]}}

    def test_refusal_names_its_rule_and_ends_one_stream_only(self):
        client = self.http2()
        for _ in range(3):
            response = client.get(b"/admin", body=b"x" * 1000)
            self.assertEqual((response.status, response.why), (403, "access/deny shop/p#0"))
            self.assertEqual(client.get(b"/fine").status, 200)
        self.assertEqual(self.backend.seen(b"/admin"), [])
        self.pair.b.logged(3, code=403, reason="access/deny shop/p#0")

    def test_paths_that_can_be_read_in_two_ways(self):
        client = self.http2()
        for path in (b"//admin", b"/x/../admin", b"/%61dmin", b"/admin;a=b", b"/%2561dmin"):
            self.assertEqual(client.get(path).why, "access/ambiguous-path", path)


class OtherVersions(DeclaredHttp2):
    """Clients of HTTP/1.1 and an app that speaks HTTP/2 only."""

    def test_a_connection_carries_one_request_after_the_other(self):
        client = self.client()
        for number in range(20):
            response = client.get(b"/n?q=1", b"X-A: b\r\nX-a: c\r\n", method=b"POST", body=b"%d" % number)
            self.assertEqual((response.version, response.status, response.body), (b"HTTP/1.1", 200, b"%d" % number))
        request = self.backend.seen(b"/n")[-1]
        self.assertEqual([request.header(name) for name in (b":method", b":path", b":authority", b":scheme")],
                         [b"POST", b"/n?q=1", b"web", b"http"])
        self.assertEqual(request.all(b"x-a") + request.all(b"x-tulle-source"), [b"b", b"c", A_IDENTITY.encode()])

    def test_a_client_may_begin_late(self):
        self.assertEqual(self.http2(silent_seconds=0.5).get(b"/late").status, 200)
        client = self.client()
        time.sleep(0.5)
        self.assertEqual(client.get(b"/late").status, 200)

    def test_headers_of_one_hop_stay_there(self):
        """h2 on the app's side would end the connection over any of them."""
        self.ask(b"/hop", extra=b"Connection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: a\r\n"
                                b"Proxy-Connection: a\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\nX-Kept: 1\r\n")
        request = self.backend.seen(b"/hop")[0]
        self.assertEqual(sorted(plain(request.headers)), [(b"te", b"trailers"), (b"x-kept", b"1")])

    def test_bodies_and_trailers(self):
        self.backend.on(b"/trailers", lambda exchange: exchange.whole().respond(
            bytes(exchange.body), trailers=[(b"x-sum", b"42")]))
        client = self.client()
        client.send(b"POST /trailers HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
                    b"3\r\nabc\r\n3;x\r\ndef\r\n0\r\nX-Time: 7\r\n\r\n")
        response = client.response()
        self.assertEqual((response.body, response.trailers.lower()), (b"abcdef", b"x-sum: 42\r\n"))
        self.assertEqual(self.backend.seen(b"/trailers")[0].trailers, [(b"x-time", b"7")])
        for size in (0, 1, 16384, 65536, 1 << 20):
            body = os.urandom(size)
            self.assertEqual(client.get(b"/echo", method=b"PUT", body=body).body, body)

    def test_answers_without_a_body(self):
        self.backend.on(b"/head", lambda exchange: exchange.respond(fields=[(b"content-length", b"5")]))
        self.backend.on(b"/204", lambda exchange: exchange.respond(status=204))
        self.backend.on(b"/304", lambda exchange: exchange.respond(status=304))
        client = self.client()
        self.assertEqual(client.get(b"/head", method=b"HEAD").header(b"content-length"), b"5")
        self.assertEqual([client.get(path).status for path in (b"/204", b"/304", b"/echo")], [204, 304, 200])

    def test_expect_100_continue(self):
        def go_ahead(exchange):
            exchange.send_headers([(b":status", b"100")])
            exchange.whole().respond(bytes(exchange.body))
        self.backend.on(b"/expect", go_ahead)
        client = self.client()
        client.send(b"POST /expect HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.head().status, 100)
        self.assertEqual(client.send(b"body").response().body, b"body")

    def test_a_break_within_an_answer_is_no_clean_end(self):
        def half(exchange):
            exchange.send_headers([(b":status", b"200")])
            exchange.send(b"half")
            exchange.cancel(2)
        self.backend.on(b"/half", half)
        with self.assertRaises((Truncated, ValueError)):
            self.ask(b"/half")

    def test_a_client_that_breaks_off_its_body_never_completes_a_request(self):
        client = self.client().send(b"POST /part HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\nhalf")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/part")))
        client.reset()
        exchange = self.backend.seen(b"/part")[0]
        self.assertIsNotNone(exchange.broken())
        self.assertFalse(exchange.ended)

    def test_old_clients_and_refused_requests(self):
        client = self.client().send(b"GET /old HTTP/1.0\r\nHost: web\r\n\r\n")
        self.assertEqual((client.response().status, client.closed()), (200, True))
        client = self.client().send(b"GET /bad HTTP/1.1\r\nHost: web\r\nHost: web\r\n\r\n")
        self.assertEqual((client.response().status, client.closed()), (400, True))
        self.assertEqual(self.backend.seen(b"/bad"), [])

    def test_hundreds_of_clients_share_few_connections_to_the_app(self):
        def one(number):
            with talk.Client(self.pair.outbound, timeout=30) as client:
                for turn in range(3):
                    body = b"%d/%d " % (number, turn) * (1 + number * 7 % 500)
                    self.assertEqual(client.get(b"/echo", method=b"POST", body=body).body, body)
        before = len(self.backend.connections)
        self.assertEqual(together(200, one), [])
        self.assertLess(len(self.backend.connections) - before, 10)

    def test_clients_of_both_versions_at_once(self):
        def one(number):
            with talk.Client(self.pair.outbound) as old, Client(self.pair.outbound) as new:
                for turn in range(10):
                    body = b"%d/%d" % (number, turn)
                    self.assertEqual(old.get(b"/one", method=b"POST", body=body).body, body)
                    self.assertEqual(new.get(b"/two", body=body).body, body)
        self.assertEqual(together(10, one), [])


if __name__ == "__main__":
    unittest.main()
