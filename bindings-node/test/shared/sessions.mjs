// Servers of an SDK that keep sessions.

import { randomUUID } from "node:crypto";

/** Gives the transport of a session, or a new one with a server behind it. */
export function sessionsOf(Transport, makeServer) {
  const transports = new Map();
  return async (id) => {
    if (transports.has(id)) return transports.get(id);
    const transport = new Transport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: true,
      onsessioninitialized: (opened) => void transports.set(opened, transport),
    });
    await makeServer().connect(transport);
    return transport;
  };
}
