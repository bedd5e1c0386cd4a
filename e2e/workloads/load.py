#!/usr/bin/env python3
"""Calls a URL at a fixed rate and prints what came back as one line of JSON.

The rate does not depend on the answers (open loop): a request that is due while all is stuck counts from when it was
due. Connections are kept alive, and none is tried twice: what the mesh drops shows up here.
"""

import argparse
import collections
import http.client
import itertools
import json
import sys
import threading
import time
import urllib.parse


class Load:
    def __init__(self, url, rps, count, seconds, timeout_seconds, headers):
        self.url = urllib.parse.urlsplit(url)
        self.target = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        self.rps, self.count, self.seconds = rps, count, seconds
        self.timeout_seconds, self.headers = timeout_seconds, headers
        self.tickets = itertools.count()
        self.lock = threading.Lock()
        self.status, self.body, self.failures = collections.Counter(), collections.Counter(), collections.Counter()
        self.latencies_ms, self.first_failures = [], []

    def run(self, threads):
        self.start = time.monotonic()
        workers = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return self.report(time.monotonic() - self.start)

    def work(self):
        connection = None
        while (due := self.next_due()) is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            connection = self.call(connection, due)

    def next_due(self):
        """When the next request is due; None where there is none left."""
        with self.lock:
            ticket = next(self.tickets)
        due = self.start + ticket / self.rps if self.rps else time.monotonic()
        over = (self.count and ticket >= self.count) or (self.seconds and due >= self.start + self.seconds)
        return None if over else due

    def call(self, connection, due):
        """Returns the connection for the next call; None where that has to open one."""
        connection = connection or self.connect()
        status, body, failure = None, None, None
        try:
            connection.request("GET", self.target, headers=self.headers)
            response = connection.getresponse()
            body = response.read().decode(errors="replace").strip()[:64]
            status = response.status
            if status >= 400:
                failure = f"{status} {response.headers.get('x-tulle-reason', body)}"
        except (OSError, http.client.HTTPException) as error:
            failure = f"{type(error).__name__}: {error}"
        self.record(status, body, failure, due)
        if failure and status is None:
            connection.close()
            return None
        return connection

    def connect(self):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=self.timeout_seconds)

    def record(self, status, body, failure, due):
        now = time.monotonic()
        with self.lock:
            self.latencies_ms.append((now - due) * 1000)
            if status is not None:
                self.status[str(status)] += 1
                self.body[body] += 1
            if failure:
                self.failures[failure] += 1
                if len(self.first_failures) < 5:
                    self.first_failures.append({"at_seconds": round(now - self.start, 2), "error": failure})

    def report(self, seconds):
        ordered = sorted(self.latencies_ms)
        return {
            "requests": len(ordered), "failed": self.failures.total(), "status": self.status,
            "body": dict(self.body.most_common(10)), "failures": dict(self.failures.most_common(10)),
            "first_failures": self.first_failures, "seconds": round(seconds, 2),
            "p50_ms": quantile(ordered, 0.50), "p99_ms": quantile(ordered, 0.99), "max_ms": quantile(ordered, 1.0),
        }


def quantile(ordered, share):
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", required=True)
    options.add_argument("--rps", type=float, default=0, help="0: as fast as the answers come")
    options.add_argument("--count", type=int, default=0, help="stop after so many requests")
    options.add_argument("--duration", type=float, default=0, help="stop after so many seconds")
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--timeout", type=float, default=10, help="seconds for one request")
    options.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    chosen = options.parse_args()
    if not chosen.count and not chosen.duration:
        options.error("give --count or --duration")
    headers = dict(header.split(":", 1) for header in chosen.header)
    load = Load(chosen.url, chosen.rps, chosen.count, chosen.duration, chosen.timeout, headers)
    print(json.dumps(load.run(chosen.threads)))
    sys.stdout.flush()


main()
