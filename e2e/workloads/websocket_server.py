#!/usr/bin/env python3
"""usage: websocket_server.py PORT NAME: a WebSocket server that introduces itself and its caller, and then echoes.

The text "close CODE REASON" is not echoed: the server closes like that. Its log says how each connection was closed.
"""

import asyncio
import http
import json
import sys

import websockets

port, name = int(sys.argv[1]), sys.argv[2]


async def talk(socket):
    await socket.send(json.dumps({"name": name, "source": socket.request_headers.get("x-tulle-source", "")}))
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await socket.close(int(code), reason)
                return
            await socket.send(message)
    except websockets.ConnectionClosedError:
        pass
    finally:
        print(f"closed {socket.close_code} {socket.close_reason}", flush=True)


async def health(path, _headers):
    return (http.HTTPStatus.OK, [], b"well\n") if path == "/health" else None


async def main():
    async with websockets.serve(talk, "0.0.0.0", port, process_request=health, max_size=16 << 20):
        await asyncio.Future()


asyncio.run(main())
