"""The harness itself: what does not come to life leaves nothing behind."""

import os
import unittest

from pair import Pair


class Unfinished(unittest.TestCase):
    def test_a_pair_that_fails_half_way_stops_what_it_has_started(self):
        half = []

        def fail(pair):
            half.append(pair)
            raise ValueError("no config for A")
        with self.assertRaises(ValueError):
            Pair(9, extra=fail)
        self.assertIsNotNone(half[0].b.process.poll())
        self.assertFalse(os.path.exists(half[0].directory))


if __name__ == "__main__":
    unittest.main()
