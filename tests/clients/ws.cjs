// npm `ws` against an echo: each thing that is tried, and what came of it.
const WebSocket = require("ws");

const [url, deflate] = process.argv.slice(2);
const say = (name, result) => console.log(`${name} ${result}`);
const once = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

(async () => {
  const socket = new WebSocket(url, { perMessageDeflate: deflate === "on" });
  socket.on("error", (error) => {
    throw error;
  });
  await once(socket, "open");
  say("negotiated", socket.extensions.startsWith("permessage-deflate") === (deflate === "on") ? "ok" : socket.extensions);
  for (const size of [0, 1, 125, 126, 1 << 16, 1 << 20]) {
    const text = "fan\u00e9light ".repeat(size / 10 + 1).slice(0, size);
    for (const data of [text, Buffer.from(text, "latin1")]) {
      const echoed = once(socket, "message");
      socket.send(data);
      const [got, isBinary] = await echoed;
      const same = isBinary ? Buffer.compare(got, data) === 0 : got.toString() === data;
      const kind = typeof data === "string" ? "text" : "binary";
      say(`${kind} of ${size}`, same && isBinary === (kind === "binary") ? "ok" : `came back as ${got.length} B`);
    }
  }
  const whole = once(socket, "message");
  socket.send("one ", { fin: false });
  socket.send("two ", { fin: false });
  socket.send("three", { fin: true });
  say("fragments", String((await whole)[0]) === "one two three" ? "ok" : "differ");
  const pong = once(socket, "pong");
  socket.ping("beat");
  say("ping", String((await pong)[0]) === "beat" ? "ok" : "differs");
  const closed = once(socket, "close");
  socket.close(3000, "bye");
  const [code] = await closed;
  say("close code", code === 3000 ? "ok" : code);
})();
