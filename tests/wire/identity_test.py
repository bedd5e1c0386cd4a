"""Who may talk to whom: certificates at sidecar B's door, and the certificate that sidecar A demands of it."""

import os
import socket
import ssl
import time
import unittest

from pair import A_IDENTITY, B_IDENTITY, Authority, peer_context
from stream import Truncated
from talk import Client, WireTest

LEAF = "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n" \
    "basicConstraints=critical,CA:FALSE\n"
ASK = b"GET /secret HTTP/1.1\r\nHost: web\r\n\r\n"


class AtTheDoor(WireTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = cls.pair.authority

    def call(self, data=ASK, **how):
        """The response of B to a TLS client of our own; an exception where there is none."""
        raw = socket.create_connection(self.pair.inbound(), timeout=5)
        with peer_context(**how).wrap_socket(raw) as secure:
            return Client(secure).send(data).response()

    def refused(self, **how):
        with self.assertRaises((ssl.SSLError, Truncated, ConnectionError)):
            self.call(**how)
        self.assertEqual(self.backend.requests, [])

    def issue(self, name, text, **how):
        return self.authority.issue(name, None, extensions=text, **how)

    def test_a_workload_of_the_mesh_is_let_in(self):
        leaf = self.authority.issue("good", "URI:spiffe://cluster.local/ns/other/sa/good")
        self.assertEqual(self.call(certificate=leaf).status, 200)
        self.assertEqual(self.backend.seen(b"/secret")[0].header(b"x-tulle-source"),
                [b"spiffe://cluster.local/ns/other/sa/good"])

    def test_no_certificate(self):
        self.refused()

    def test_certificates_of_others(self):
        other = Authority(os.path.join(self.pair.directory, "other"))
        self.refused(certificate=other.issue("forged", "URI:" + A_IDENTITY))
        self.refused(certificate=(f"{other.directory}/root.crt", f"{other.directory}/root.key"))

    def test_certificate_that_is_a_ca(self):
        ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\n" \
            "subjectAltName=URI:" + A_IDENTITY
        signs = LEAF.replace("digitalSignature", "digitalSignature,keyCertSign") + "subjectAltName=URI:" + A_IDENTITY
        self.refused(certificate=self.issue("ca", ca))
        self.refused(certificate=self.issue("signs", signs))

    def test_expired_certificate(self):
        self.refused(certificate=self.authority.issue("old", "URI:" + A_IDENTITY, days="-1"))

    def test_names_that_are_no_identity(self):
        for number, san in enumerate((
                f"URI:{A_IDENTITY},URI:{B_IDENTITY}", "DNS:web", "URI:https://cluster.local/ns/shop/sa/client",
                "URI:spiffe://cluster.local", "URI:spiffe://cluster.local/", "URI:spiffe://cluster.local/ns/shop",
                "URI:spiffe://cluster.local/ns/shop/sa/", "URI:spiffe://cluster.local/ns//sa/client",
                "URI:spiffe://cluster.local/ns/shop/sa/client/x", "URI:spiffe://cluster.local/ns/shop/sa/..",
                "URI:spiffe://other.domain/ns/shop/sa/client", "URI:spiffe://Cluster.local/ns/shop/sa/client",
                "URI:spiffe://cluster.local./ns/shop/sa/client", "URI:spiffe://cluster.local:1/ns/shop/sa/client",
                "URI:spiffe://cluster.local/ns/shop/sa/cli%65nt", "URI:spiffe://cluster.local/ns/shop/sa/client?x")):
            with self.subTest(san):
                self.refused(certificate=self.issue(f"san{number}", LEAF + "subjectAltName=" + san))
        self.refused(certificate=self.issue("nosan", LEAF))

    def test_certificate_that_may_not_be_a_clients(self):
        server_only = LEAF.replace(",clientAuth", "") + "subjectAltName=URI:" + A_IDENTITY
        self.refused(certificate=self.issue("server", server_only))

    def test_nul_in_a_name_does_not_end_it(self):
        uri = A_IDENTITY.encode() + b"\0.evil"
        der = b"\x86" + bytes([len(uri)]) + uri
        san = (b"\x30" + bytes([len(der)]) + der).hex(":")
        self.refused(certificate=self.issue("nul", LEAF + "subjectAltName=DER:" + san))

    def test_tls_1_2(self):
        self.refused(certificate=self.pair.certificates["a"], newest=ssl.TLSVersion.TLSv1_2)

    def test_unknown_alpn_among_sidecars(self):
        self.refused(certificate=self.pair.certificates["a"], alpn=("tulle/99",))

    def test_plaintext_http_is_refused_with_a_reason(self):
        with Client(self.pair.inbound()) as client:
            response = client.get(b"/secret")
            self.assertEqual(response.status, 403)
            self.assertRegex(response.why, "^mtls/strict")
        self.assertEqual(self.backend.requests, [])

    def test_plaintext_that_is_not_http_is_reset(self):
        before = self.backend.connections
        with Client(self.pair.inbound()) as client:
            client.send(b"\0\1\2\3")
            with self.assertRaises(Truncated) as end:
                client.fill()
            self.assertEqual(str(end.exception), "reset")
        self.assertEqual(self.backend.connections, before)

    def test_tls_of_an_app_is_not_taken_for_a_sidecars(self):
        for name in ("http/1.1", "h2"):
            self.refused(certificate=self.pair.certificates["a"], alpn=(name,))

    def test_http_inside_an_opaque_connection_is_still_http(self):
        """Whoever says opaque and then speaks HTTP gets no forged identity past B."""
        forged = ASK.replace(b"Host", b"X-Tulle-Source: spiffe://cluster.local/ns/root/sa/root\r\nHost")
        self.assertEqual(self.call(forged, certificate=self.pair.certificates["a"], alpn=("tulle/tcp",)).status, 200)
        self.assertEqual(self.backend.seen(b"/secret")[0].header(b"x-tulle-source"), [A_IDENTITY.encode()])

    def test_refused_handshakes_are_counted(self):
        self.refused()
        self.assertTrue(self.pair.b.counts("tulle_handshake_failures_total{"))


class Permissive(WireTest):
    options = {"workload": {"name": "shop/web", "mtls": "Permissive"}}

    def test_plaintext_http_is_served_without_identity(self):
        with Client(self.pair.inbound()) as client:
            self.assertEqual(client.get(b"/plain", b"X-Tulle-Source: forged\r\nx_tulle_source: forged\r\n").status, 200)
        self.assertEqual([name for name, _ in self.backend.seen(b"/plain")[0].headers], [b"Host"])

    def test_peers_still_prove_who_they_are(self):
        self.assertEqual(self.ask(b"/meshed").status, 200)
        self.assertEqual(self.backend.seen(b"/meshed")[0].header(b"x-tulle-source"), [A_IDENTITY.encode()])

    def test_plaintext_bytes_are_carried(self):
        self.backend.raw = lambda wire: wire.send(wire.take(4)[::-1])
        self.addCleanup(setattr, self.backend, "raw", None)
        self.backend.drop_connections()
        time.sleep(0.05)
        with Client(self.pair.inbound()) as client:
            self.assertEqual(client.send(b"\0\1\2\3").take(4), b"\3\2\1\0")


class WrongServer(WireTest):
    """B proves to be shop/web, but A was told to find somebody else there."""

    options = {"endpoints": lambda pair: [(pair.b.ip, pair.b.ports["inbound"],
            "spiffe://cluster.local/ns/shop/sa/payments")]}

    def test_valid_certificate_of_another_workload_is_refused(self):
        response = self.ask(b"/secret", method=b"POST", body=b"for payments only")
        self.assertEqual((response.status, response.why), (503, "mtls/identity"))
        self.assertEqual(self.backend.requests, [])


class NoServer(WireTest):
    """At the endpoint answers a server that knows nothing of the mesh."""

    options = {"endpoints": lambda pair: [("127.0.0.1", pair.backend_port, B_IDENTITY)],
               "policy": {"connectTimeout": "200ms"}}

    def test_server_without_tls_gets_nothing(self):
        response = self.ask(b"/secret", method=b"POST", body=b"for the mesh only")
        self.assertEqual(response.status, 503)
        self.assertRegex(response.why, "^(mtls|upstream)/")
        self.assertEqual([r for r in self.backend.requests if r.target == b"/secret"], [])


if __name__ == "__main__":
    unittest.main()
