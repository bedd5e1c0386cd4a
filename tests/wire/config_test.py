"""Config that changes while requests are under way: what was acknowledged is in force, and no request is lost."""

import os
import threading
import unittest

from backend import Backend, reply
from control import Operator
from pair import Authority, B_IDENTITY, Pair, service_resources
from talk import Client

CHANGES = 30


class LiveConfig(unittest.TestCase):
    def setUp(self):
        self.operator = Operator()
        self.addCleanup(self.operator.close)
        self.apps = [Backend(default=self.tell(number)) for number in range(2)]
        for app in self.apps:
            self.addCleanup(app.close)
        self.pair = Pair([app.port for app in self.apps], log_all=False, operator=self.operator.address)
        self.addCleanup(self.pair.close)
        self.operator.serve(self.pair.authority)
        self.clients = self.operator.open_streams("shop/client", 1)
        self.servers = self.operator.open_streams("shop/web", 2)

    @staticmethod
    def tell(number):
        def script(wire, request):
            wire.read_body(request)
            wire.send(reply(b"%d" % number))
        return script

    def traffic(self, failed, enough):
        """Requests on one connection after the other, until `enough`; what went wrong goes to `failed`."""
        try:
            while not enough.is_set():
                with Client(self.pair.outbound) as client:
                    for _ in range(20):
                        response = client.get(b"/traffic", method=b"POST", body=b"pay")
                        if response.status != 200:
                            failed.append((response.status, response.why))
        except (OSError, EOFError) as error:
            failed.append(repr(error))

    def under_traffic(self, change):
        """change(0), change(1)… while others ask; none of them fails."""
        failed, enough = [], threading.Event()
        threads = [threading.Thread(target=self.traffic, args=(failed, enough)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(CHANGES):
                change(number)
        finally:
            enough.set()
            for thread in threads:
                thread.join(20)
        self.assertEqual(failed, [])

    def ask(self, path=b"/"):
        with Client(self.pair.outbound) as client:
            return client.get(path)

    def say(self, streams, resources):
        for stream in streams:
            self.assertEqual(stream.update(resources), [])

    def test_endpoints_that_come_and_go(self):
        def change(number):
            b = self.pair.bs[number % 2]
            self.say(self.clients, service_resources([(b.ip, b.ports["inbound"], B_IDENTITY)]))
            self.assertEqual([self.ask().body for _ in range(4)], [b"%d" % (number % 2)] * 4)
        self.under_traffic(change)

    def test_a_path_that_is_closed_and_opened(self):
        def change(number):
            closed = number % 2 == 1
            rules = [{"name": "gate", "action": "Deny", "from": [], "to": [{"paths": [{"prefix": "/gate"}]}]}]
            self.say(self.servers, {"workload/shop/web": {"name": "shop/web", "mtls": "Strict",
                                                          "rules": rules if closed else []}})
            self.assertEqual([self.ask(b"/gate").status for _ in range(4)], [403 if closed else 200] * 4)
        self.under_traffic(change)

    def test_roots_that_are_added_and_dropped(self):
        """Each change makes new TLS contexts on both sides."""
        other = Authority(os.path.join(self.pair.directory, "other"))

        def change(number):
            bundle = self.pair.authority.root + (other.root if number % 2 else "")
            self.say(self.clients + self.servers, {"mesh": {"trustDomain": "cluster.local", "trustBundle": bundle}})
            self.assertEqual(self.ask().status, 200)
        self.under_traffic(change)


if __name__ == "__main__":
    unittest.main()
