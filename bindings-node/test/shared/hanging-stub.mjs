// Accepts connections and never answers.

import net from "node:net";
import { parentPort } from "node:worker_threads";

let connections = 0;
const server = net.createServer((socket) => {
  connections += 1;
  socket.on("error", () => undefined).resume();
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
parentPort.on("message", () => parentPort.postMessage(connections));
