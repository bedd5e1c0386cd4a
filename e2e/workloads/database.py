#!/usr/bin/env python3
"""usage: database.py redis|postgresql|mariadb HOST: as a client of that database: many small values, and a large one.

Prints one line of JSON with the seconds until it was let in. Exit status 1 where it is not, or a value comes back as
another one.
"""

import importlib
import json
import os
import socket
import sys
import time

LARGE = os.urandom(10 << 20)
ROWS = 1000


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: not what was stored came back, but {got!r:.100}")


def redis(host):
    import redis as library

    client = library.Redis(host=host, password="silk", socket_timeout=30, retry=None)
    client.ping()
    yield
    many = client.pipeline(transaction=False)
    for number in range(ROWS):
        many.set(f"{os.getpid()}-{number}", f"thread {number}").get(f"{os.getpid()}-{number}")
    same(many.execute()[1::2], [f"thread {number}".encode() for number in range(ROWS)], "small values")
    large = f"{os.getpid()}-large"
    client.set(large, LARGE)
    same(client.get(large), LARGE, "the large value")
    listener = client.pubsub()
    listener.subscribe(large)
    client.publish(large, "news")
    heard = [listener.get_message(timeout=5)["data"] for _ in range(2)]
    same(heard, [1, b"news"], "a message that nobody asked for")
    client.delete(large)


def rows(cursor, blob_type, large):
    """What the two relational ones have in common; large is how LARGE is written in their SQL."""
    cursor.execute(f"CREATE TEMPORARY TABLE threads (id INT PRIMARY KEY, name TEXT, content {blob_type})")
    cursor.executemany("INSERT INTO threads (id, name) VALUES (%s, %s)", [(id, f"thread {id}") for id in range(ROWS)])
    cursor.execute(f"INSERT INTO threads (id, name, content) VALUES (-1, 'large', {large})")
    cursor.execute("SELECT id, name FROM threads WHERE id >= 0 ORDER BY id")
    same(list(cursor.fetchall()), [(id, f"thread {id}") for id in range(ROWS)], "rows")
    cursor.execute("SELECT content FROM threads WHERE id = -1")
    same(bytes(cursor.fetchone()[0]), LARGE, "the large value")


def postgresql(host):
    import psycopg2

    with psycopg2.connect(host=host, user="mesh", password="silk", dbname="postgres", connect_timeout=10) as connection:
        yield
        rows(connection.cursor(), "BYTEA", f"'\\x{LARGE.hex()}'")


def mariadb(host):
    import pymysql

    with pymysql.connect(host=host, user="mesh", password="silk", database="mesh", connect_timeout=10,
                         max_allowed_packet=64 << 20) as connection:
        yield
        rows(connection.cursor(), "LONGBLOB", f"x'{LARGE.hex()}'")


library, client = {"redis": ("redis", redis), "postgresql": ("psycopg2", postgresql),
                   "mariadb": ("pymysql", mariadb)}[sys.argv[1]]
importlib.import_module(library)
address = socket.gethostbyname(sys.argv[2])
began = time.monotonic()  # how long that took says nothing about the mesh
steps = client(address)
next(steps)
let_in = time.monotonic() - began
for _ in steps:
    pass
print(json.dumps({"let_in_seconds": round(let_in, 3), "seconds": round(time.monotonic() - began, 3)}))
