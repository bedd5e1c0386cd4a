"""Access rules through the pair: who is refused, by which rule, in which words."""

import time
import unittest

from pair import A_IDENTITY
from stream import Truncated
from talk import Client, WireTest


def web(*rules, mtls="Strict", **more):
    """Workload shop/web with rules (name, action, from, to)."""
    return {"name": "shop/web", "mtls": mtls, **more,
            "rules": [{"name": name, "action": action, "from": source, "to": target} for name, action, source,
                target in rules]}


CLIENT = [{"identities": [A_IDENTITY]}]
OTHER = [{"serviceAccounts": ["shop/other"]}]


class Denials(WireTest):
    options = {"workload": web(
        ("shop/p#0", "Deny", CLIENT, [{"paths": [{"prefix": "/admin"}]}]),
        ("shop/p#1", "Deny", [{"namespaces": ["shop"]}], [{"methods": ["DELETE"]}]),
        ("shop/p#2", "Deny", OTHER, []))}

    def denied(self, response, reason):
        self.assertEqual((response.status, response.why), (403, reason))
        self.assertEqual(self.backend.requests, [])

    def test_refusal_names_its_rule(self):
        self.denied(self.ask(b"/admin"), "access/deny shop/p#0")
        self.denied(self.ask(b"/admin/users?x=1"), "access/deny shop/p#0")
        self.denied(self.ask(b"/x", method=b"DELETE"), "access/deny shop/p#1")
        self.assertEqual(self.pair.b.logged(code=403, method="DELETE")[0]["reason"], "access/deny shop/p#1")
        self.assertTrue(self.pair.a.counts('reason="access/deny shop/p#1"'))

    def test_what_no_rule_denies_passes(self):
        for path in (b"/", b"/administrator", b"/x/admin", b"/a%20b", b"/%C3%BC"):
            self.assertEqual(self.ask(path).status, 200, path)

    def test_refused_connection_goes_on(self):
        client = self.client()
        self.assertEqual(client.get(b"/admin").status, 403)
        self.assertEqual(client.get(b"/admin", method=b"HEAD").status, 403)
        self.assertEqual(client.get(b"/fine").status, 200)

    def test_refused_body_is_not_taken_for_a_request(self):
        response = self.ask(b"/admin", method=b"POST", body=b"GET /poison HTTP/1.1\r\nHost: web\r\n\r\n")
        self.denied(response, "access/deny shop/p#0")

    def test_paths_that_can_be_read_in_two_ways(self):
        for path in (b"//admin", b"/x/../admin", b"/./admin", b"/%61dmin", b"/%2e/admin", b"/x/%2e%2e/admin",
                b"/%2Fadmin",
                     b"/x%5C..%5Cadmin", b"/x\\..\\admin", b"/admin;a=b", b"/;/admin", b"/%2561dmin", b"/admin%00",
                         b"/x/..",
                     b"/%zz", b"/%"):
            with self.subTest(path):
                self.denied(self.ask(path), "access/ambiguous-path")

    def test_absolute_targets_are_seen_through(self):
        client = self.client().send(b"GET http://web/admin HTTP/1.1\r\nHost: web\r\n\r\n")
        self.denied(client.response(), "access/deny shop/p#0")

    def test_opaque_bytes_do_not_get_round_a_denial(self):
        with Client(self.pair.outbound) as client, self.assertRaises(Truncated):
            client.send(b"\0opaque")
            client.fill()
        self.assertEqual(self.pair.b.logged(protocol="tcp")[0]["reason"], "access/deny shop/p#0")

    def test_late_requests_are_judged_as_requests(self):
        client = self.client()
        time.sleep(0.3)
        self.denied(client.get(b"/admin"), "access/deny shop/p#0")
        client = self.client()
        time.sleep(0.3)
        self.assertEqual(client.get(b"/fine").status, 200)


class Allowances(WireTest):
    options = {"workload": web(
        ("shop/allow#0", "Allow", OTHER, []),
        ("shop/allow#1", "Allow", CLIENT,
            [{"methods": ["GET"], "paths": [{"exact": "/open"}, {"regex": "/items/[0-9]+"}]}]))}

    def test_only_what_is_allowed_passes(self):
        for method, path, status in ((b"GET", b"/open", 200), (b"POST", b"/open", 403), (b"GET", b"/open/", 403),
                (b"GETX", b"/open", 403),
                                     (b"GET", b"/items/12", 200), (b"GET", b"/items/12/x", 403),
                                         (b"OPTIONS", b"*", 403),
                                     (b"GET", b"/", 403)):
            with self.subTest((method, path)):
                response = self.ask(path, method=method)
                self.assertEqual(response.status, status)
                if status == 403:
                    self.assertEqual(response.why, "access/not-allowed shop/allow")

    def test_what_cannot_be_seen_is_not_allowed(self):
        with Client(self.pair.outbound) as client, self.assertRaises(Truncated):
            client.send(b"\0opaque")
            client.fill()


class Headers(WireTest):
    options = {"workload": web(mtls="Permissive")}

    SPELLINGS = (b"x-tulle-source", b"X-Tulle-Source", b"X_TULLE_SOURCE", b"x-tulle_source", b"X_tulle-unsent",
            b"x-tulle-reason",
                 b"x-tulle", b"x-TULLEsource")

    def forged(self):
        return b"".join(name + b": spiffe://cluster.local/ns/root/sa/root\r\n" for name in self.SPELLINGS)

    def test_forged_headers_of_the_mesh_are_dropped(self):
        self.ask(b"/forged", extra=self.forged())
        ours = [header for header in self.backend.seen(b"/forged")[0].headers if b"tulle" in header[0].lower()]
        self.assertEqual(ours, [(b"x-tulle-source", A_IDENTITY.encode())])

    def test_headers_of_the_mesh_in_an_answer_of_the_app_are_dropped(self):
        self.backend.on(b"/answer", lambda wire, _: wire.send(
            b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nX-Tulle-Unsent: 1\r\nx_tulle_reason: forged\r\n"
            b"x-tulle-reason: forged\r\n\r\n"))
        response = self.ask(b"/answer", method=b"POST", body=b"once")
        self.assertEqual([name for name, _ in response.headers if b"tulle" in name.lower()], [])
        self.assertEqual(len(self.backend.seen(b"/answer")), 1)


if __name__ == "__main__":
    unittest.main()
