"""The end of a sidecar: asked to go, or killed."""

import threading
import time
import unittest

from backend import reply
from patience import eventually
from stream import Truncated
from talk import Client, WireTest


class Load:
    """GETs on connections of their own and on kept ones, until told to stop; `failed` must stay empty."""

    def __init__(self, address, path=b"/load", clients=4):
        self.address, self.path = address, path
        self.stopping = threading.Event()
        self.failed, self.served = [], 0
        self.threads = [threading.Thread(target=self.run, args=(number % 2 == 0,)) for number in range(clients)]

    def run(self, keep):
        client = None
        while not self.stopping.is_set():
            try:
                client = client or Client(self.address)
                response = client.get(self.path)
                if response.status != 200:
                    self.failed.append((response.status, response.why))
                self.served += 1
                if not keep or response.header(b"connection") == b"close":
                    client.sock.close()
                    client = None
            except (OSError, Truncated) as error:
                self.failed.append(repr(error))
                client = None

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class TwoReplicas(WireTest):
    options = {"replicas": 3, "log_all": False}

    def test_1_a_killed_replica_costs_no_get(self):
        with Load(self.pair.outbound) as load:
            self.pair.bs[1].kill()
            time.sleep(1.5)
        self.assertEqual(load.failed, [])
        self.assertGreater(load.served, 100)

    def test_2_a_drained_replica_costs_no_get(self):
        with Load(self.pair.outbound) as load:
            self.assertEqual(self.pair.bs[2].stop(), 0)
            time.sleep(0.5)
        self.assertEqual(load.failed, [])


class Going(WireTest):
    def setUp(self):
        super().setUp()

        def slow(wire, _):
            time.sleep(2)
            wire.send(reply(b"at last"))
        self.backend.on(b"/slow", slow)

    def test_request_in_flight_is_finished_by_both_sides(self):
        client = self.client().send(b"GET /slow HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/slow")))
        began = time.monotonic()
        self.pair.b.process.terminate()
        self.pair.a.process.terminate()
        self.assertEqual(client.response().body, b"at last")
        self.assertEqual([self.pair.a.process.wait(10), self.pair.b.process.wait(10)], [0, 0])
        self.assertLess(time.monotonic() - began, 6)


class Leaving(WireTest):
    def test_new_requests_are_still_served_and_told_to_leave(self):
        kept = self.client()
        kept.get(b"/before")
        self.pair.b.process.terminate()
        time.sleep(0.3)
        self.assertEqual(kept.get(b"/during").status, 200)
        self.assertEqual(self.pair.b.process.wait(10), 0)


class Tunnels(WireTest):
    options = {"protocol": "TCP", "workload": {"name": "shop/web", "mtls": "Strict", "ports": []}}

    def test_an_open_tunnel_holds_a_drain_until_it_ends(self):
        self.backend.raw = lambda wire: wire.send(wire.take(5))
        client = self.client()
        time.sleep(0.3)
        self.pair.b.process.terminate()
        time.sleep(1.5)
        self.assertIsNone(self.pair.b.process.poll())
        self.assertEqual(client.send(b"still").rest(), b"still")
        client.sock.close()
        self.assertEqual(self.pair.b.process.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
