"""What one request costs in either sidecar once all is warm: no allocation, and no system call but moving it."""

import sys
import unittest

import load
from counts import HEAP

WARM_UP = 500
REQUESTS = 1000
# What timers of the data plane may allocate meanwhile.
FEW = 20
# System calls that a busy machine adds where it cuts one request in two; one more for each request would be REQUESTS.
CUT = 100
MOVING = {"recv": 2, "send": 2}
WAITING = {"epoll_wait": 2}


class Requests(unittest.TestCase):
    def counted(self, clients=1, request=load.GET, **options):
        """What REQUESTS requests cost, by side and kind."""
        with load.Loaded(clients, request, **options) as loaded:
            loaded.make(WARM_UP)
            costs = loaded.cost(REQUESTS // clients)
        print(f"\n  {self._testMethodName}: {costs}", file=sys.stderr, flush=True)
        return costs

    def check_heap(self, costs):
        allocations = {side: sum(cost.get(kind, 0) for kind in HEAP) for side, cost in costs.items()}
        self.assertLessEqual(max(allocations.values()), FEW,
                             f"allocations in {REQUESTS} requests: {allocations}; tests/cost/sites.py says where")

    def check_kernel(self, costs):
        """Moving is what was expected, waiting at most that, and nothing else is asked of the kernel."""
        for side, cost in costs.items():
            calls = {kind: count for kind, count in cost.items() if kind not in (*HEAP, "free")}
            expected = {**MOVING, **WAITING}
            with self.subTest(side):
                for kind in sorted(calls.keys() | expected.keys()):
                    most = expected.get(kind, 0) * REQUESTS + CUT
                    self.assertLessEqual(calls.get(kind, 0), most, f"{kind} in {REQUESTS} requests: {calls}")

    def test_get_of_one_client_allocates_nothing(self):
        self.check_heap(self.counted())

    def test_get_of_many_clients_allocates_nothing(self):
        self.check_heap(self.counted(clients=16))

    def test_post_of_one_client_allocates_nothing(self):
        self.check_heap(self.counted(request=load.POST))

    def test_post_of_many_clients_allocates_nothing(self):
        self.check_heap(self.counted(clients=16, request=load.POST))

    def test_access_log_allocates_nothing(self):
        self.check_heap(self.counted(log_all=True))

    def test_get_is_read_and_written_once_on_each_side(self):
        self.check_kernel(self.counted())

    def test_post_is_read_and_written_once_on_each_side(self):
        self.check_kernel(self.counted(request=load.POST))

    def test_many_clients_share_what_goes_between_sidecars(self):
        """Less is asked of the kernel than the four calls and two waits that each would need alone. How much less
        depends on how the machine runs clients and sidecars; half the waits are spared even when it is busy."""
        for side, cost in self.counted(clients=16).items():
            with self.subTest(side):
                self.assertLessEqual(cost["recv"] + cost["send"], 3 * REQUESTS)
                self.assertLessEqual(cost["epoll_wait"], REQUESTS)


if __name__ == "__main__":
    unittest.main()
