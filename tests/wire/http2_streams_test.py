"""HTTP/2 streams and connections through the pair: many at once, broken off, refused, and ended in order."""

import functools
import random
import threading
import time
import unittest

from frames import CANCEL, NO_ERROR, REFUSED_STREAM
from http2 import MAX_CONCURRENT_STREAMS, App, Http2Test
from patience import eventually, together


class Streams(Http2Test):
    options = {"log_all": False, "policy": {"connectTimeout": "20s"}}

    def test_a_thousand_streams_get_their_own_answers(self):
        client = self.http2()

        def some(number):
            for turn in range(20):
                body = b"%d/%d " % (number, turn) * (1 + number * 37 % 500)
                self.assertEqual(client.get(b"/echo", body=body).body, body)
        self.assertEqual(together(50, some), [])
        self.assertEqual(len(self.backend.requests), 1000)

    def test_streams_of_many_connections_in_flight_at_once(self):
        """The app answers none of them before all have arrived."""
        arrived = threading.Barrier(400)

        def held(exchange):
            exchange.whole()
            arrived.wait(30)
            exchange.respond(bytes(exchange.body))
        self.backend.on(b"/held", held)
        exchanges = [client.ask(b"/held", body=b"%d/%d" % (number, stream))
                     for number, client in enumerate(self.http2() for _ in range(5)) for stream in range(80)]
        self.assertEqual([exchange.whole(40).body for exchange in exchanges],
                         [b"%d/%d" % (number, stream) for number in range(5) for stream in range(80)])

    def test_random_resets_disturb_no_other_stream(self):
        def slow(exchange):
            exchange.head()
            time.sleep(random.random() * 0.05)
            exchange.whole().respond(bytes(exchange.body))
        self.backend.on(b"/slow", slow)
        client, wrong = self.http2(), []

        def one(number):
            body = b"%d " % number * (1 + number * 91 % 3000)
            exchange = client.ask(b"/slow", body=body)
            if number % 3 == 0:
                time.sleep(random.random() * 0.05)
                exchange.cancel()
            elif exchange.whole().body != body:
                wrong.append(number)
        for _ in range(4):
            self.assertEqual(together(80, one), [])
        self.assertEqual(wrong, [])
        self.assertEqual(client.get(b"/after", body=b"fine").body, b"fine")

    def test_cancel_reaches_the_app(self):
        codes = []
        self.backend.on(b"/cancel", lambda exchange: codes.append(exchange.broken()))
        client = self.http2()
        for end in (True, False):
            exchange = client.start(b"/cancel", b"POST", end=end)
            self.assertTrue(eventually(lambda: len(self.backend.seen(b"/cancel")) == 1 + (not end)))
            exchange.cancel()
            self.assertTrue(eventually(lambda: len(codes) == 1 + (not end)))
        self.assertEqual(codes, [CANCEL, CANCEL])
        self.assertEqual(client.get(b"/after").status, 200)

    def test_client_that_vanishes_cancels_all_its_streams(self):
        codes = []
        self.backend.on(b"/vanish", lambda exchange: codes.append(exchange.broken()))
        client = self.http2()
        for _ in range(20):
            client.start(b"/vanish", end=True)
        self.assertTrue(eventually(lambda: len(self.backend.seen(b"/vanish")) == 20))
        client.close()
        self.assertTrue(eventually(lambda: len(codes) == 20))
        self.assertNotIn(None, codes)

    def test_one_stream_that_is_not_read_stops_no_other(self):
        self.backend.on(b"/big", lambda exchange: exchange.respond(bytes(1 << 20)))
        client = self.http2()
        stuck = client.start(b"/big")
        stuck.reading = False
        stuck.send(b"", end=True)
        stuck.wait(lambda: len(stuck.body) >= 60000)
        for number in range(50):
            self.assertEqual(client.get(b"/free", body=b"%d" % number * 1000).body, b"%d" % number * 1000)
        stuck.cancel()

    def test_one_stream_that_the_app_does_not_read_stops_no_other(self):
        def ignore(exchange):
            exchange.reading = False
            exchange.broken()
        self.backend.on(b"/ignore", ignore)
        client = self.http2()
        stuck = client.start(b"/ignore", b"POST")
        with self.assertRaises(TimeoutError):
            stuck.send(bytes(4 << 20), within=0.5)
        for number in range(50):
            self.assertEqual(client.get(b"/free", body=b"%d" % number * 1000).body, b"%d" % number * 1000)
        stuck.cancel()


class BrokenApps(Http2Test):
    def once(self, path, how):
        """The first request for `path` meets how(exchange); later ones are answered."""
        first = threading.Lock()
        self.backend.on(path, lambda exchange: how(exchange) if first.acquire(blocking=False)
                        else exchange.whole().respond(b"second time"))

    def test_a_stream_refused_by_the_app_is_sent_again(self):
        """RFC 9113 section 8.7: such a request was not processed, whatever its method."""
        self.once(b"/refused", lambda exchange: exchange.cancel(REFUSED_STREAM))
        client = self.http2()
        for number in range(10):
            path = b"/refused%d" % number
            self.once(path, lambda exchange: exchange.cancel(REFUSED_STREAM))
            response = client.get(path, method=b"POST")
            self.assertEqual((response.status, response.body), (200, b"second time"))
            self.assertEqual(len(self.backend.seen(path)), 2)

    def test_a_stream_reset_by_the_app_is_not_sent_again(self):
        for code in (CANCEL, 2):
            path = b"/reset%d" % code
            self.once(path, lambda exchange, code=code: exchange.cancel(code))
            response = self.http2().get(path, body=b"pay")
            self.assertEqual(response.status, 502)
            self.assertRegex(response.why, "^upstream/")
            self.assertEqual(len(self.backend.seen(path)), 1)

    def test_an_answer_that_is_reset_is_seen_to_break_off(self):
        def half(exchange):
            exchange.send_headers([(b":status", b"200")])
            exchange.send(b"half")
            arrived.wait(10)
            exchange.cancel(2)
        arrived = threading.Event()
        self.backend.on(b"/half", half)
        client = self.http2()
        exchange = client.start(b"/half", end=True)
        exchange.wait(lambda: exchange.body == b"half")
        arrived.set()
        self.assertIsNotNone(exchange.broken())
        self.assertFalse(exchange.ended)
        self.assertEqual(client.get(b"/after").status, 200)

    def test_a_broken_connection_breaks_answers_off_and_repeats_gets(self):
        def begin(exchange):
            exchange.send_headers([(b":status", b"200")])
            exchange.send(b"half")
            exchange.broken()
        self.backend.on(b"/begun", begin)
        self.once(b"/get", lambda exchange: exchange.broken())
        client = self.http2()
        begun, get = client.start(b"/begun", end=True), client.start(b"/get", end=True)
        begun.wait(lambda: begun.body == b"half")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/get")))
        self.backend.drop_connections()
        self.assertIsNotNone(begun.broken())
        self.assertEqual(get.whole().body, b"second time")


class Goaway(Http2Test):
    """The app ends its connections in the orderly way (RFC 9113 section 6.8)."""

    def test_an_app_that_leaves_after_every_answer_costs_no_request(self):
        def leave(exchange):
            exchange.whole()
            with exchange.connection.changed:  # no other request comes between the two
                exchange.respond(b"bye")
                exchange.connection.send_goaway(exchange.number)
        self.backend.on(b"/leave", leave)
        client = self.http2()
        for _ in range(50):
            response = client.get(b"/leave", method=b"POST")
            self.assertEqual((response.status, response.why, response.body), (200, "", b"bye"))
        self.assertEqual(len(self.backend.seen(b"/leave")), 50)

    def test_unprocessed_streams_are_sent_again_and_processed_ones_are_not(self):
        arrived, lock, processed = [], threading.Lock(), []

        def process(exchange):
            processed.append(exchange.path)
            exchange.respond(exchange.path)

        def leave(exchange):
            with lock:
                arrived.append(exchange)
            if len(arrived) == 10:
                exchange.connection.send_goaway(arrived[4].number)
                for other in arrived[:5]:
                    process(other)
            elif len(arrived) > 10:
                process(exchange)
        self.backend.on(b"/pay", leave)
        client, asked, paths = self.http2(), [], [b"/pay?%d" % number for number in range(10)]
        for path in paths:  # one after the other, so that the order is known
            asked.append(client.ask(path, method=b"POST"))
            self.assertTrue(eventually(lambda: len(arrived) >= len(asked)))
        self.assertEqual([exchange.whole().body for exchange in asked], paths)
        self.assertEqual(sorted(processed), paths)

    def test_a_processed_stream_that_is_never_answered_fails(self):
        def leave(exchange):
            exchange.whole()
            exchange.connection.send_goaway(exchange.number)
            exchange.connection.close()
        self.backend.on(b"/lost", leave)
        response = self.http2().get(b"/lost", body=b"pay")
        self.assertEqual(response.status, 502)
        self.assertEqual(len(self.backend.seen(b"/lost")), 1)


class FewStreams(Http2Test):
    """The app takes two streams at a time on a connection."""

    make_app = functools.partial(App, settings={MAX_CONCURRENT_STREAMS: 2})

    def test_more_requests_than_the_app_takes_at_a_time(self):
        client = self.http2()
        client.get(b"/first")  # now its limit is known
        exchanges = [client.ask(b"/n?%d" % number, method=b"POST") for number in range(60)]
        self.assertEqual({(exchange.whole().status, exchange.why) for exchange in exchanges}, {(200, "")})


class Leaving(Http2Test):
    def test_sidecars_that_leave_finish_what_is_in_flight(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def slow(exchange):
            go_on.wait(20)
            exchange.respond(b"at last")
        self.backend.on(b"/slow", slow)
        client = self.http2()
        exchange = client.start(b"/slow", end=True)
        self.assertTrue(eventually(lambda: self.backend.seen(b"/slow")))
        self.pair.b.process.terminate()
        self.pair.a.process.terminate()
        self.assertTrue(client.wait(lambda: client.goaway))
        self.assertEqual(client.goaway[1], NO_ERROR)
        go_on.set()
        self.assertEqual(exchange.whole().body, b"at last")
        self.assertEqual([self.pair.a.process.wait(10), self.pair.b.process.wait(10)], [0, 0])


if __name__ == "__main__":
    unittest.main()
