// A listener on its timer that throws for each of two events: it writes which it was told of.

import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const issuer = new Issuer({ resource: "https://mcp.test/mcp" });
const gate = new ResourceServer({
  resource: "https://mcp.test/mcp",
  authorization_servers: [issuer.server()],
  events: {},
});
for (const sub of ["first", "second"]) await gate.authorize({ authorization: issuer.authorization({ sub }) });
gate.onEvent(
  ({ subject }) => {
    console.log(subject);
    throw new Error("the listener failed");
  },
  { interval: 1 },
);
setTimeout(() => process.exit(0), 30_000); // an event's timer keeps no process alive
