#!/usr/bin/env python3
"""Calls a grpc_server.py and prints one line of JSON: what came back. Exit status 1 where an answer is wrong.

usage: grpc_client.py HOST:PORT kinds           each of the four kinds
       grpc_client.py HOST:PORT calls COUNT     so many calls on one channel, each with another body: who answered
       grpc_client.py HOST:PORT crowd CHANNELS STREAMS   streams that are all open at the same time, on each channel
       grpc_client.py HOST:PORT status "ABORTED why"     has the server end a call like this
       grpc_client.py HOST:PORT deadline NAME SECONDS    a call that takes a minute, and has less time
       grpc_client.py HOST:PORT cancel NAME              the same, given up as soon as its answer begins
"""

import asyncio
import collections
import json
import os
import socket
import sys
import time

import grpc

IN_TIME_SECONDS = 60


class Echo:
    """The methods of the server. All channels of a process to one target share a connection, if not told otherwise."""

    def __init__(self, target):
        self.channel = grpc.aio.insecure_channel(target, options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.lb_policy_name", "round_robin")])
        self.echo = self.channel.unary_unary("/tulle.Echo/Echo")
        self.count = self.channel.unary_stream("/tulle.Echo/Count")
        self.join = self.channel.stream_unary("/tulle.Echo/Join")
        self.chat = self.channel.stream_stream("/tulle.Echo/Chat")
        self.fail = self.channel.unary_unary("/tulle.Echo/Fail")
        self.wait = self.channel.unary_stream("/tulle.Echo/Wait")


def give_up(why):
    """At once: the library may wait for calls that others of its calls would have to answer."""
    print(why, file=sys.stderr, flush=True)
    os._exit(1)


def same(got, wanted, what):
    if got != wanted:
        give_up(f"{what}: {shortly(got)} came back, {shortly(wanted)} should have")


def shortly(value):
    return f"{value!r:.60}"


class Heard:
    """What the trailers of the calls said."""

    def __init__(self):
        self.pods, self.sources = collections.Counter(), set()

    async def from_call(self, call):
        trailers = dict(list(await call.trailing_metadata()))
        self.pods[trailers.get("pod", "")] += 1
        self.sources.add(trailers.get("source", ""))

    def as_json(self):
        return {"pods": self.pods, "sources": sorted(self.sources), "calls": self.pods.total()}


def text(value):
    return value.hex() if isinstance(value, bytes) else value


async def outcome_of(call, ending):
    """Status, message and metadata of a call, however it ends; ending waits for that."""
    began = time.monotonic()
    try:
        await ending
    except (grpc.RpcError, asyncio.CancelledError):
        pass
    seconds = time.monotonic() - began
    metadata = [*(await call.initial_metadata() or ()), *(await call.trailing_metadata() or ())]
    return {"code": (await call.code()).name, "details": await call.details(), "seconds": seconds,
            "metadata": {name: text(value) for name, value in metadata}}


async def kinds(echo):
    heard, large = Heard(), os.urandom(3 << 20)
    call = echo.echo(large, timeout=IN_TIME_SECONDS)
    same(await call, large, "one to one")
    await heard.from_call(call)
    call = echo.count(b"500", timeout=IN_TIME_SECONDS)
    same([int(number) async for number in call], list(range(500)), "one to many")
    await heard.from_call(call)
    pieces = [os.urandom(size) for size in (0, 1, 5, 100, 20000, 300000)]
    call = echo.join(iter(pieces), timeout=IN_TIME_SECONDS)
    same(await call, b"".join(pieces), "many to one")
    await heard.from_call(call)
    call = echo.chat(timeout=IN_TIME_SECONDS)
    for piece in pieces:  # each is answered before the next is sent: nothing may wait for the end
        await call.write(piece)
        same(await call.read(), piece, "many to many")
    await call.done_writing()
    same(await call.read(), grpc.aio.EOF, "the end of many to many")
    await heard.from_call(call)
    return heard.as_json()


async def calls(echo, count):
    heard, turns = Heard(), asyncio.Semaphore(20)

    async def one(number):
        async with turns:
            body = f"call {number} ".encode() * (number % 100)
            call = echo.echo(body, timeout=IN_TIME_SECONDS)
            same(await call, body, f"call {number}")
            await heard.from_call(call)

    await asyncio.gather(*(one(number) for number in range(int(count))))
    return heard.as_json()


async def crowd(target, channels, streams):
    heard, all_open = Heard(), asyncio.Barrier(int(channels) * int(streams))

    async def one(echo, name):
        call = echo.chat(timeout=IN_TIME_SECONDS)
        for part in ("first", "last"):
            body = f"{name} {part} ".encode() + os.urandom(hash(name) % 5000)
            await call.write(body)
            same(await call.read(), body, name)
            await all_open.wait()
        await call.done_writing()
        same(await call.read(), grpc.aio.EOF, f"the end of {name}")
        await heard.from_call(call)

    echoes = [Echo(target) for _ in range(int(channels))]
    everybody = asyncio.gather(*(one(echo, f"stream {at} of channel {channel}")
                                 for channel, echo in enumerate(echoes) for at in range(int(streams))))
    try:
        await asyncio.wait_for(everybody, IN_TIME_SECONDS)
    except asyncio.TimeoutError:
        give_up(f"not all streams are open at the same time: {all_open.n_waiting} wait for the others")
    except grpc.RpcError as error:
        give_up(f"a stream ended: {error.code().name} {error.details()}; {all_open.n_waiting} wait for the others")
    return heard.as_json()


async def status(echo, wanted):
    call = echo.fail(wanted.encode(), timeout=IN_TIME_SECONDS)
    return await outcome_of(call, call)


async def deadline(echo, name, seconds):
    call = echo.wait(name.encode(), timeout=float(seconds))
    same(await call.read(), b"begun", "the first answer")
    return await outcome_of(call, call.read())


async def cancel(echo, name):
    call = echo.wait(name.encode(), timeout=IN_TIME_SECONDS)
    same(await call.read(), b"begun", "the first answer")
    call.cancel()
    return await outcome_of(call, call.read())


async def main(target, action, *arguments):
    actions = {"kinds": kinds, "calls": calls, "status": status, "deadline": deadline,
               "cancel": cancel}
    found = await (crowd(target, *arguments) if action == "crowd" else actions[action](Echo(target), *arguments))
    print(json.dumps(found | {"client": socket.gethostname()}))


if len(sys.argv) < 3:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
