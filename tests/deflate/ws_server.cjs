// npm `ws` as a server that says everything to everyone, for the binary `compress_once`. With
// compression it has no context takeover, as Fanlight has none, and compresses whatever comes.
const { WebSocketServer } = require("ws");

const perMessageDeflate = process.argv[2] === "on" && {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 0,
};
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate });
server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}/`));
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    for (const client of server.clients) client.send(data, { binary: isBinary });
  });
});
