"""Apps that do TLS themselves: carried as it is, and whom the client wants is known on the way."""

import ssl
import time
import unittest

from pair import Authority
from patience import eventually
from talk import Client, WireTest


class TlsApps(WireTest):
    """The app greets, in TLS with a certificate of its own."""

    options = {"workload": {"name": "shop/web", "mtls": "Strict"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        authority = Authority(cls.pair.directory + "/app")
        cls.app_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.app_context.load_cert_chain(*authority.issue("app", "DNS:db.shop"))
        cls.client_context = ssl.create_default_context(cadata=authority.root)
        cls.backend.raw = cls.greet

    @classmethod
    def greet(cls, wire):
        with cls.app_context.wrap_socket(wire.sock, server_side=True) as secure:
            secure.sendall(b"hello " + secure.recv(100))

    def say(self, sock, name, context=None):
        with (context or self.client_context).wrap_socket(sock, server_hostname=name) as secure:
            secure.sendall(b"world")
            self.assertEqual(secure.recv(100), b"hello world")

    def anybody(self, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def test_whom_the_client_wants_is_in_both_logs(self):
        self.say(self.pair.connect(), "db.shop")
        for sidecar in self.pair.a, self.pair.b:
            self.assertNotIn("reason", sidecar.logged(protocol="tcp", sni="db.shop")[0])

    def test_older_tls_says_it_as_well(self):
        self.say(self.pair.connect(), "older.shop", self.anybody(maximum_version=ssl.TLSVersion.TLSv1_2))
        self.pair.b.logged(protocol="tcp", sni="older.shop")

    def test_a_client_that_wants_nobody_by_name(self):
        before = len(self.pair.a.access(protocol="tcp"))
        self.say(self.pair.connect(), None, self.anybody())
        self.assertTrue(eventually(lambda: len(self.pair.a.access(protocol="tcp")) > before))
        self.assertNotIn("sni", self.pair.a.access(protocol="tcp")[-1])

    def hello(self, name):
        out = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            self.anybody().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
        return out.read()

    def wanted(self, name, pieces):
        """Sends a ClientHello in pieces; the app's side of TLS answers."""
        with Client(self.pair.outbound) as client:
            for piece in pieces:
                client.send(piece)
                time.sleep(0.002)
            self.assertEqual(client.take(1), b"\x16")
        self.pair.a.logged(protocol="tcp", sni=name)
        self.pair.b.logged(protocol="tcp", sni=name)

    def test_a_hello_that_comes_in_crumbs(self):
        hello = self.hello("crumbs.shop")
        self.wanted("crumbs.shop", [hello[at:at + 7] for at in range(0, len(hello), 7)])

    def test_a_hello_in_several_records(self):
        content = self.hello("records.shop")[5:]
        cut = [content[at:at + 40] for at in range(0, len(content), 40)]
        self.wanted("records.shop", [b"\x16\3\1" + len(part).to_bytes(2, "big") + part for part in cut])

    def test_what_is_no_name_of_a_host_stays_out_of_the_log(self):
        with Client(self.pair.outbound) as client:
            client.send(self.hello("quoted.shop").replace(b"quoted.shop", b'quot"\n.shop'))
            client.take(1)
        self.assertFalse(eventually(lambda: self.pair.a.access(sni='quot"\n.shop'), within=0.5))


class DeclaredTcp(TlsApps):
    options = {"protocol": "TCP", "workload": {"name": "shop/web", "mtls": "Strict", "ports": []}}


if __name__ == "__main__":
    unittest.main()
