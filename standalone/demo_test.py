import random
import struct
import unittest

import change
import load
import wire


def frame(payload, source_port=1234, destination_port=80):
    tcp = struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 1, 5 << 4, 0x18, 1024, 0, 0)
    total = 20 + len(tcp) + len(payload)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 6, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return bytes(12) + struct.pack("!H", 0x0800) + ip + tcp + payload


class Wire(unittest.TestCase):
    def test_finds_the_payload_and_not_the_padding(self):
        segment = wire.parse(frame(b"GET / HTTP/1.1") + bytes(10))
        self.assertEqual(segment, (("10.0.0.1", 1234), ("10.0.0.2", 80), b"GET / HTTP/1.1"))

    def test_other_traffic_is_no_segment(self):
        self.assertIsNone(wire.parse(b"\0" * 60))
        self.assertIsNone(wire.parse(b""))

    def test_tells_tls_from_text(self):
        self.assertTrue(wire.is_tls_start(bytes([22, 3, 1, 2, 0, 1])))
        self.assertFalse(wire.is_tls_start(b"GET / HTTP/1.1"))
        self.assertFalse(wire.is_tls_start(b""))


class Change(unittest.TestCase):
    def test_finds_the_moment_within_a_few_answers(self):
        chance = random.Random(1)
        for moment in (0, 100, 700):
            hits = [chance.random() < (0.1 if i < moment else 0.5) for i in range(1500)]
            self.assertAlmostEqual(change.moment(hits, 0.1, 0.5), moment, delta=25)

    def test_no_change_is_the_end(self):
        chance = random.Random(1)
        hits = [chance.random() < 0.1 for _ in range(1000)]
        self.assertGreater(change.moment(hits, 0.1, 0.5), 980)


class Share(unittest.TestCase):
    def test_counts_good_answers_only(self):
        answers = [load.Answer(0, 200, "v2 a", None, None), load.Answer(0, 200, "v1 b", None, None),
                   load.Answer(0, 503, "v2", None, None)]
        self.assertEqual(load.share(answers, "v2"), 0.5)
        self.assertEqual(load.share([], "v2"), 0.0)


if __name__ == "__main__":
    unittest.main()
