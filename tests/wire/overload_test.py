"""More than a sidecar can carry: it says so early, loses nothing that it carries, and comes back."""

import contextlib
import os
import resource
import shutil
import socket
import ssl
import tempfile
import threading
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request

import pair as pairs
from backend import Backend, reply
from pair import Pair, peer_context
from patience import eventually, together
from stream import Truncated
from talk import Client

SANITIZED = any(name in pairs.SIDECAR for name in ("asan", "tsan"))
A, B = pairs.A_IP, pairs.B_IP


@contextlib.contextmanager
def started_with(ip, limits="", flags=""):
    """Within the block the sidecar that listens on `ip` is started after shell commands and with further flags."""
    directory = tempfile.mkdtemp(prefix="tulle-start-")
    path = os.path.join(directory, "tulle-sidecar")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/bash\ncase \" $* \" in *\" --listen=%s \"*) %s; exec %s \"$@\" %s;; esac\nexec %s \"$@\"\n" %
                   (ip, limits or ":", pairs.SIDECAR, flags, pairs.SIDECAR))
    os.chmod(path, 0o755)
    try:
        with unittest.mock.patch.object(pairs, "SIDECAR", path):
            yield
    finally:
        shutil.rmtree(directory)


def open_descriptors(sidecar):
    return len(os.listdir(f"/proc/{sidecar.process.pid}/fd"))


def processor_seconds(sidecar):
    with open(f"/proc/{sidecar.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waits_for(sidecar):
    """Why it is not ready, in its own words."""
    def asked():
        try:
            urllib.request.urlopen(f"http://{sidecar.ip}:{sidecar.ports['ready']}/ready", timeout=1).close()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            return None
        return "ready"
    return eventually(asked)


def counted(sidecar, limit):
    """How often that limit was hit."""
    lines = [line for line in sidecar.metrics().splitlines() if line.startswith(f'tulle_limits_total{{limit="{limit}"')]
    return sum(float(line.split()[-1]) for line in lines)


class Established:
    """Clients that had their connection before, and ask on it all the time; `failed` must stay empty."""

    def __init__(self, address, clients=20, pause=0.02):
        self.address, self.pause = address, pause
        self.stopping = threading.Event()
        self.failed, self.took = [], []
        self.connected = threading.Barrier(clients + 1)
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]

    def run(self):
        client = Client(self.address, timeout=20)
        client.get(b"/established")
        self.connected.wait(30)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                response = client.get(b"/established", method=b"POST", body=b"mine")
            except (OSError, Truncated) as error:
                self.failed.append(repr(error))
                return
            self.took.append(time.monotonic() - began)
            if (response.status, response.body) != (200, b"mine"):
                self.failed.append((response.status, response.why))
                return
            time.sleep(self.pause)
        client.sock.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.connected.wait(30)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def slowest(self):
        """The time that all but one in a hundred stay below."""
        return sorted(self.took)[int(len(self.took) * 0.99)]


class OverloadTest(unittest.TestCase):
    def setUp(self):
        self.backend = Backend()
        self.addCleanup(self.backend.close)
        self.sockets = []

    def start(self, **options):
        self.pair = Pair(self.backend.port, log_all=False, **options)
        self.addCleanup(self.pair.close)
        self.addCleanup(self.hang_up)

    def connect(self, address=None):
        sock = socket.create_connection(address or self.pair.outbound, timeout=20)
        self.sockets.append(sock)
        return sock

    def turned_away(self):
        try:
            return Client(self.connect()).closed(5)
        except ConnectionResetError:  # sooner than connect() could return
            return True

    def hang_up(self):
        for sock in self.sockets:
            sock.close()
        self.sockets = []

    def served(self):
        with Client(self.pair.outbound) as client:
            return client.get(b"/new").status == 200

    def comes_back(self):
        """New clients are served again."""
        def answered():
            try:
                return self.served()
            except (OSError, Truncated):
                return False
        self.assertTrue(eventually(answered, within=10))


class Connections(OverloadTest):
    def test_who_comes_beyond_the_cap_is_told_and_others_go_on(self):
        with started_with(A, "ulimit -n 320"):
            self.start()
        with Established(self.pair.outbound) as established:
            for _ in range(110):
                self.connect()
            self.assertTrue(eventually(lambda: counted(self.pair.a, "connections") > 0))
            with Client(self.pair.outbound) as client:
                refused = client.get(b"/one-too-many")
            self.assertEqual((refused.status, refused.why, refused.header(b"connection")),
                             (503, "overload/connections", b"close"))
            for _ in range(400):
                with contextlib.suppress(ConnectionError):
                    self.connect()
            time.sleep(1)
        self.assertEqual(established.failed, [])
        self.assertLess(open_descriptors(self.pair.a), 220)
        self.assertGreater(counted(self.pair.a, "connections"), 300)
        self.hang_up()
        self.comes_back()

    def test_a_limit_that_is_too_low_is_said(self):
        with started_with(A, "ulimit -n 64"), unittest.mock.patch.object(pairs.Sidecar, "wait_ready"):
            self.start()
            self.assertTrue(eventually(self.pair.b.ready))
            self.assertIn("limit of open files (ulimit -n) is 64, at least 256 are needed", waits_for(self.pair.a))
        self.assertTrue(self.served())

    def test_the_soft_limit_is_raised(self):
        with started_with(A, "ulimit -Sn 64"):
            self.start()
        self.assertGreater(resource.prlimit(self.pair.a.process.pid, resource.RLIMIT_NOFILE)[0], 256)


class Descriptors(OverloadTest):
    @contextlib.contextmanager
    def without_descriptors(self, sidecar):
        before = resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE, (open_descriptors(sidecar), before[1]))
        try:
            yield
        finally:
            resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE, before)

    def test_none_left_to_accept_with(self):
        self.start()
        with Established(self.pair.outbound) as established:
            with self.without_descriptors(self.pair.a):
                used = processor_seconds(self.pair.a)
                for _ in range(50):
                    self.assertTrue(self.turned_away())
                time.sleep(1)
                used = processor_seconds(self.pair.a) - used
            self.comes_back()
        self.assertEqual(established.failed, [])
        self.assertLess(used, 20 if SANITIZED else 0.8)
        self.assertGreaterEqual(counted(self.pair.a, "descriptors"), 50)

    def test_none_left_to_reach_the_app_with(self):
        self.start()
        client = Client(self.connect())
        self.assertEqual(client.get(b"/before").status, 200)
        self.assertTrue(eventually(lambda: not self.backend.open, within=10))  # B keeps no connection to it
        with self.without_descriptors(self.pair.b):
            refused = client.get(b"/without", method=b"POST", body=b"x")
            self.assertEqual((refused.status, refused.why), (503, "overload/descriptors"))
        self.assertEqual(client.get(b"/after").status, 200)
        self.assertEqual(self.backend.seen(b"/without"), [])
        self.assertGreaterEqual(counted(self.pair.b, "descriptors"), 1)


class SlowClients(OverloadTest):
    def test_hundreds_of_heads_that_never_end(self):
        self.start()
        with Established(self.pair.outbound, clients=10) as established:
            slow = [Client(self.connect()) for _ in range(500)]
            for client in slow:
                client.send(b"GET /slow HTTP/1.1\r\nHost: web\r\nX-Begun: ")
            for _ in range(8):
                time.sleep(1)
                for client in slow:
                    client.send(b"a")
                self.assertTrue(self.served())
            self.assertEqual({client.response().status for client in slow}, {408})
        self.assertEqual(established.failed, [])
        self.assertLess(established.slowest(), 5 if SANITIZED else 1)
        self.assertEqual(counted(self.pair.a, "head-time"), 500)
        self.assertEqual(self.backend.seen(b"/slow"), [])


class Handshakes(OverloadTest):
    def hello(self):
        """The first bytes of a peer that will say nothing more."""
        out = ssl.MemoryBIO()
        peer = peer_context(self.pair.certificates["a"], alpn=("tulle/http1",)).wrap_bio(ssl.MemoryBIO(), out)
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.do_handshake()
        return out.read()

    def test_those_that_never_finish_hold_nobody_up(self):
        self.start()
        hello = self.hello()
        context = peer_context(self.pair.certificates["a"], alpn=("tulle/http1",))

        def finish(_):
            with socket.create_connection(self.pair.inbound(), timeout=30) as raw, context.wrap_socket(raw) as secure:
                secure.sendall(b"GET /finished HTTP/1.1\r\nHost: web\r\n\r\n")
                self.assertTrue(secure.recv(100).startswith(b"HTTP/1.1 200"))
        with Established(self.pair.outbound) as established:
            for _ in range(300):
                self.connect(self.pair.inbound()).sendall(hello)
            began = time.monotonic()
            self.assertEqual(together(200, finish), [])
            took = time.monotonic() - began
        self.assertEqual(established.failed, [])
        self.assertLess(took, 40 if SANITIZED else 10)  # all of them have ten seconds for it
        self.assertLess(established.slowest(), 10 if SANITIZED else 1.5)
        self.assertGreater(counted(self.pair.b, "handshakes"), 0)
        self.assertIn("tulle_handshake_failures_total", self.pair.b.metrics())


class Memory(OverloadTest):
    """A with little memory beyond what it needs at rest; its clients fill it with heads that do not end."""

    def start_with_room_for(self, room):
        self.start()
        self.assertTrue(self.served())
        at_rest = self.pair.a.resident_bytes()
        self.pair.a.stop()
        with started_with(A, flags=f"--memory-limit={at_rest + room}"):
            self.start()
        self.limit = at_rest + room

    def level(self):
        for line in self.pair.a.metrics().splitlines():
            if line.startswith("tulle_overload_level"):
                return float(line.split()[-1])
        return None

    def settle(self):
        """Waits until the last that was asked for has come."""
        before = 0
        while abs((now := self.pair.a.resident_bytes()) - before) > 50000:
            before = now
            time.sleep(0.25)

    def fill(self, clients, size):
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\nHost: web\r\nX-Long: " + b"a" * size)

    def test_critical_refuses_requests_and_passes(self):
        self.start_with_room_for(12 << 20)
        fillers = [Client(self.connect()) for _ in range(400)]
        clients = [Client(self.connect()) for _ in range(3)]
        for client in clients:
            self.assertEqual(client.get(b"/before").status, 200)
        self.assertEqual(self.level(), 0)
        self.fill(fillers, 50000)
        self.assertTrue(eventually(lambda: self.level() == 3))
        for client, method in zip(clients, (b"GET", b"POST", b"HEAD")):
            refused = client.get(b"/refused", method=method)
            self.assertEqual((refused.status, refused.why, refused.header(b"connection")),
                             (503, "overload/memory", b"close"))
        with Client(self.pair.outbound) as new:
            self.assertEqual(new.get(b"/refused").why, "overload/memory")
        self.assertEqual(self.backend.seen(b"/refused"), [])
        self.assertGreaterEqual(counted(self.pair.a, "memory"), 4)
        self.hang_up()
        self.assertTrue(eventually(lambda: self.level() == 0, within=10), self.pair.a.metrics())
        self.comes_back()

    def test_full_asks_clients_to_leave_takes_in_no_new_ones_and_drops_the_slow(self):
        large = reply(bytes(16 << 20))
        self.backend.on(b"/large", lambda wire, _: wire.send(large))
        self.start_with_room_for(40 << 20)
        busy, idle, reader = [Client(self.connect(), timeout=30) for _ in range(3)]
        self.assertEqual([client.get(b"/").status for client in (busy, idle, reader)], [200] * 3)
        while reader.get(b"/") and (answer := busy.get(b"/busy")).header(b"connection") != b"close":
            # With answers that nobody reads.
            Client(self.connect()).send(b"GET /large HTTP/1.1\r\nHost: web\r\n\r\n")
            time.sleep(0.05)
            if self.pair.a.resident_bytes() > 0.75 * self.limit:
                self.settle()
        self.assertEqual(self.level(), 2)
        began = time.monotonic()
        reader.send(b"GET /large HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertEqual(answer.status, 200)
        with Client(self.pair.outbound) as new:
            refused = new.get(b"/new")
        self.assertEqual((refused.status, refused.why), (503, "overload/memory"))
        self.assertTrue(idle.closed(30))
        self.assertGreater(counted(self.pair.a, "idle"), 0)
        self.assertTrue(eventually(lambda: 'reason="downstream/timeout"' in self.pair.a.metrics(), within=15))
        with self.assertRaises(Truncated):
            reader.take(16 << 20)
        self.assertLess(time.monotonic() - began, 30)
        self.hang_up()
        self.assertTrue(eventually(lambda: self.level() == 0, within=10), self.pair.a.metrics())
        self.comes_back()


if SANITIZED:
    del Memory  # a sanitizer keeps what was freed


if __name__ == "__main__":
    unittest.main()
