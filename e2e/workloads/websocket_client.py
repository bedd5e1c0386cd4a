#!/usr/bin/env python3
"""Talks to a websocket_server.py and prints one line of JSON. Exit status 1 where something else comes back.

usage: websocket_client.py URL talk COUNT   so many messages, text and binary, both directions at once
       websocket_client.py URL close CODE REASON      closes like this
       websocket_client.py URL be-closed CODE REASON  is closed like this
       websocket_client.py URL stay FOLDER  talks on one connection until FOLDER/go exists; FOLDER/open says it does
"""

import asyncio
import json
import os
import pathlib
import sys

import websockets


def message(number):
    """Every other one is binary; the longest have a megabyte."""
    size = (0, 1, 125, 126, 5000, 70000, 1 << 20)[number % 7]
    return os.urandom(size) if number % 2 else f"message {number} " + "ß" * (size // 2)


async def exchange(socket, sent):
    await socket.send(sent)
    same(await socket.recv(), sent)


def same(got, wanted):
    if got != wanted:
        sys.exit(f"{type(got).__name__} {got!r:.60} came back for {type(wanted).__name__} {wanted!r:.60}")


async def talk(socket, count):
    messages = [message(number) for number in range(int(count))]

    async def send():
        for each in messages:
            await socket.send(each)

    sending = asyncio.create_task(send())
    for each in messages:
        same(await socket.recv(), each)
    await sending
    await asyncio.wait_for(await socket.ping(), 5)
    return {"messages": len(messages), "binary": sum(isinstance(each, bytes) for each in messages)}


async def close(socket, code, reason):
    await exchange(socket, "hello")
    await socket.close(int(code), reason)
    return {"code": socket.close_code, "reason": socket.close_reason}


async def be_closed(socket, code, reason):
    await socket.send(f"close {code} {reason}")
    await socket.wait_closed()
    return {"code": socket.close_code, "reason": socket.close_reason}


async def stay(socket, folder):
    folder, exchanged = pathlib.Path(folder), 0
    folder.mkdir(parents=True)
    (folder / "open").touch()
    while not (folder / "go").exists():
        await exchange(socket, f"message {exchanged}")
        exchanged += 1
        await asyncio.sleep(0.02)
    for number in range(20):
        await exchange(socket, message(number))
    return {"messages": exchanged + 20}


async def main(url, action, *arguments):
    actions = {"talk": talk, "close": close, "be-closed": be_closed, "stay": stay}
    async with websockets.connect(url, max_size=16 << 20) as socket:
        hello = json.loads(await socket.recv())
        print(json.dumps(hello | await actions[action](socket, *arguments)))


if len(sys.argv) < 3:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
