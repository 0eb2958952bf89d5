"""50 clients of PyPI's `centrifuge-python` over 5 channels of a server that this starts itself (its
binary is in $FANLIGHT): each sees all of its channel, in one order; all of them come back by
themselves when the server is killed and started again; tokens are refreshed by the SDK's own means.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import time

from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    ClientState,
    SubscriptionEventHandler,
)

CLIENTS = 50
CHANNELS = 5
ROUNDS = 20
SECRET = "a secret that a backend shares with this server"


async def start(port, **env):
    """Starts a server, and says at which port it listens."""
    server = await asyncio.create_subprocess_exec(
        os.environ["FANLIGHT"],
        *("--listen", f"127.0.0.1:{port}", "--shards", "2"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
    )
    while line := await asyncio.wait_for(server.stdout.readline(), 20):
        if found := re.search(rb"ws://127\.0\.0\.1:(\d+)/connection/websocket", line):
            return server, int(found[1])
    raise RuntimeError("the server did not start")


async def kill(server):
    server.kill()
    await server.wait()


class Peer(ClientEventHandler, SubscriptionEventHandler):
    """A client, and what its subscription to a channel has heard."""

    def __init__(self, port, number):
        self.number = number
        self.heard = []
        self.times_connected = 0
        self.client = Client(
            f"ws://127.0.0.1:{port}/connection/websocket",
            events=self,
            min_reconnect_delay=0.05,
            max_reconnect_delay=0.5,
            proxy=None,
        )
        self.subscription = self.client.new_subscription(f"room:{number % CHANNELS}", events=self)

    async def join(self):
        await self.subscription.subscribe()
        await self.client.connect()
        await self.subscription.ready(20)

    async def on_connected(self, ctx):
        self.times_connected += 1

    async def on_publication(self, ctx):
        self.heard.append(ctx.pub.data)

    async def say(self, phase):
        for round_ in range(ROUNDS):
            said = {"phase": phase, "number": self.number, "round": round_, "text": 'grüße "\n'}
            await self.subscription.publish(said)


async def talk(peers, phase):
    """Everyone says `ROUNDS` things, without waiting for each other."""
    before = [len(peer.heard) for peer in peers]
    await asyncio.gather(*(peer.say(phase) for peer in peers))
    expected = CLIENTS // CHANNELS * ROUNDS
    await until(
        lambda: all(len(peer.heard) - at >= expected for peer, at in zip(peers, before))
    )
    for channel in range(CHANNELS):
        there = [peer for peer in peers if peer.number % CHANNELS == channel]
        orders = [peer.heard[before[peer.number] :] for peer in there]
        assert len(orders[0]) == expected, "each is heard once"
        assert all(order == orders[0] for order in orders), "all hear one order"
        for peer in there:
            own = [said["round"] for said in orders[0] if said["number"] == peer.number]
            assert own == list(range(ROUNDS)), "what one says keeps its order"
    return expected * len(peers)


async def until(is_so):
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < 20, "it does not come to that"
        await asyncio.sleep(0.02)


async def code_of(refused):
    try:
        await refused
    except CentrifugeError as error:
        return error.code
    return None


async def crowd():
    server, port = await start(0)
    peers = [Peer(port, number) for number in range(CLIENTS)]
    await asyncio.gather(*(peer.join() for peer in peers))
    first = await talk(peers, 1)
    print(
        f"python: {CLIENTS} clients over {CHANNELS} channels heard {first} publications, "
        "each channel in one order"
    )

    await kill(server)
    await until(lambda: all(peer.client.state == ClientState.CONNECTING for peer in peers))
    server, _ = await start(port)
    await until(lambda: all(peer.times_connected == 2 for peer in peers))
    await asyncio.gather(*(peer.subscription.ready(20) for peer in peers))
    second = await talk(peers, 2)
    print(f"python: after a restart all {CLIENTS} came back by themselves and heard {second} more")

    # What is refused is told, and harms nobody.
    client, subscription = peers[0].client, peers[0].subscription
    assert await code_of(client.publish("elsewhere", 1)) == 103
    assert await code_of(client.rpc("method", {})) == 104
    assert await code_of(subscription.presence()) == 108
    assert await code_of(subscription.presence_stats()) == 108
    assert await code_of(subscription.history(limit=1)) == 108
    assert client.state == ClientState.CONNECTED
    print("python: what is refused is refused with that protocol's codes")

    await asyncio.gather(*(peer.client.disconnect() for peer in peers))
    await kill(server)


def token(**claims):
    def encode(part):
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    body = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return (body + b"." + encode(mac)).decode()


class Guest(ClientEventHandler, SubscriptionEventHandler):
    def __init__(self):
        self.tokens = self.channel_tokens = 0
        self.users, self.errors, self.codes = [], [], []

    async def connection_token(self):
        self.tokens += 1
        return token(sub="42", exp=int(time.time()) + 2)

    async def channel_token(self, channel):
        self.channel_tokens += 1
        return token(sub="42", channel=channel, exp=int(time.time()) + 2)

    async def on_publication(self, ctx):
        self.users.append(ctx.pub.info.user)

    async def on_error(self, ctx):
        self.errors.append(ctx)

    async def on_disconnected(self, ctx):
        self.codes.append(ctx.code)


async def guests():
    """Tokens that last for two seconds, and have to be refreshed for the client to stay."""
    server, port = await start(0, FANLIGHT_TOKEN_HMAC_SECRET=SECRET)
    url = f"ws://127.0.0.1:{port}/connection/websocket"
    guest = Guest()
    client = Client(url, events=guest, get_token=guest.connection_token, proxy=None)
    subscription = client.new_subscription(
        "$secret", events=guest, get_token=lambda ctx: guest.channel_token("$secret")
    )
    await subscription.subscribe()
    await client.connect()
    await subscription.ready(20)
    await until(lambda: guest.tokens >= 3 and guest.channel_tokens >= 3)
    await subscription.publish("still here")
    await until(lambda: guest.users == ["42"])
    assert client.state == ClientState.CONNECTED
    assert not guest.errors and not guest.codes

    stranger = Guest()
    forged = token(sub="42")[:-4] + "AAAA"
    turned_away = Client(url, events=stranger, token=forged, proxy=None)
    await turned_away.connect()
    await until(lambda: stranger.codes == [3500])
    print("python: tokens let in, are refreshed, and a forged one is turned away")
    await client.disconnect()
    await kill(server)


async def main():
    await crowd()
    await guests()


asyncio.run(main())
