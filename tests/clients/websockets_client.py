"""PyPI `websockets` against an echo: each thing that is tried, and what came of it."""

import asyncio
import sys

from websockets.asyncio.client import connect


def say(name, is_ok):
    print(name, "ok" if is_ok else "differs")


async def main(url, deflate):
    compression = "deflate" if deflate == "on" else None
    async with connect(url, compression=compression, max_size=1 << 21) as socket:
        extensions = [extension.name for extension in socket.protocol.extensions]
        say("negotiated", ("permessage-deflate" in extensions) == (deflate == "on"))
        for size in [0, 1, 125, 126, 1 << 16, 1 << 20]:
            text = ("fan\u00e9light " * (size // 10 + 1))[:size]
            for data in [text, text.encode("latin-1")]:
                await socket.send(data)
                kind = "text" if isinstance(data, str) else "binary"
                say(f"{kind} of {size}", await socket.recv() == data)
        await socket.send(["one ", "two ", "three"])
        say("fragments", await socket.recv() == "one two three")
        await asyncio.wait_for(await socket.ping("beat"), 10)
        say("ping", True)
        await socket.close(3000, "bye")
        say("close code", socket.close_code == 3000)


asyncio.run(main(*sys.argv[1:]))
