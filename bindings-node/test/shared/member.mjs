// A process of several: begins with the keys that it is given, and says what became of a token before and after its own
// kill switch.

import cluster from "node:cluster";
import { once } from "node:events";
import { ResourceServer } from "scopegate";

if (process.argv[2] === "primary" && cluster.isPrimary) await primary(Number(process.argv[3]));
else await member();

/** So many members, and what they answer. */
async function primary(count) {
  const members = Array.from({ length: count }, () => cluster.fork());
  const answers = members.map(async (one) => {
    const exit = once(one, "exit");
    const [answer] = await once(one, "message");
    return { ...answer, code: (await exit)[0] };
  });
  process.send(await Promise.all(answers), () => process.disconnect());
}

async function member() {
  const { configuration, authorization, issuer, kid } = JSON.parse(process.env.WORK);
  const gate = new ResourceServer(configuration);
  const decide = () =>
    gate.authorize({ authorization }).then(
      () => "accepted",
      ({ reason }) => reason,
    );
  const before = await decide();
  gate.distrustKey(issuer, kid);
  const after = await decide();
  process.send({ before, after }, () => process.disconnect());
}
