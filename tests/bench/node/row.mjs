// A contender at one algorithm, and its batches.

import { readFileSync } from "node:fs";
import { join } from "node:path";

// Authorization values that are made beforehand, so that each is a new string and making it is not timed.
const CHUNK = 64;
const CHUNK_IN_FLIGHT = 256;

/** What `bench-rust mint` wrote. */
export function readSample(folder) {
  const sample = JSON.parse(readFileSync(join(folder, "sample.json"), "utf8"));
  for (const key of Object.values(sample.algorithms)) {
    const form = key.forms["at+jwt"];
    const tokens = readFileSync(join(folder, form.pool), "latin1").split("\n");
    key.values = {
      good: Buffer.from(`Bearer ${form.good}`),
      faulty: Object.entries(form.faulty).map(([fault, token]) => [fault, Buffer.from(`Bearer ${token}`)]),
      distinct: tokens.map((token) => Buffer.from(`Bearer ${token}`)),
    };
  }
  return sample;
}

export class Row {
  static async make(contender, sample, algorithm) {
    const check = await contender.make(sample, algorithm);
    return new Row(contender, check, `${contender.name}, ${algorithm}`, sample.algorithms[algorithm].values);
  }

  constructor(contender, check, name, values) {
    Object.assign(this, { contender, check, name, values, position: 0 });
  }

  /** Accepts the good token and refuses the forged one; of the other faults, which are refused. */
  async proved() {
    if ((await this.check(string(this.values.good))) !== true) throw new Error(`${this.name}: refuses a good token`);
    const refuses = [];
    for (const [fault, value] of this.values.faulty) {
      if (!(await this.check(string(value)))) refuses.push(fault);
    }
    const verifies = this.contender.name !== "crossing";
    if (verifies && !refuses.includes("signature")) throw new Error(`${this.name}: accepts a forged token`);
    return refuses;
  }

  /** Nanoseconds of one call, or with several in flight of all of them together. */
  async batch(workload, inFlight, seconds) {
    const size = inFlight > 1 ? CHUNK_IN_FLIGHT : CHUNK;
    await this.chunk(workload, inFlight, size);
    let [calls, milliseconds] = [0, 0];
    while (milliseconds < seconds * 1e3) {
      milliseconds += await this.chunk(workload, inFlight, size);
      calls += size;
    }
    return (milliseconds / calls) * 1e6;
  }

  /** Milliseconds of so many calls. */
  async chunk(workload, inFlight, size) {
    const values = Array.from({ length: size }, (_, at) => string(this.next(workload, at + 1)));
    const start = performance.now();
    const right = this.contender.waits ? await this.awaited(values, inFlight) : this.called(values);
    const taken = performance.now() - start;
    if (right !== (workload === "refused" ? 0 : size)) throw new Error(`${this.name}: a wrong verdict`);
    return taken;
  }

  next(workload, number) {
    const { good, faulty, distinct } = this.values;
    if (workload === "cold" || (workload === "mixed" && number % 20 === 0)) {
      this.position += 1;
      return distinct[this.position % distinct.length];
    }
    return workload === "refused" ? faulty.find(([fault]) => fault === "issuer")[1] : good;
  }

  called(values) {
    const { check } = this;
    let right = 0;
    for (const value of values) if (check(value)) right += 1;
    return right;
  }

  async awaited(values, inFlight) {
    const { check } = this;
    const waiting = values.values();
    let right = 0;
    const one = async () => {
      for (const value of waiting) if (await check(value)) right += 1;
    };
    if (inFlight === 1) await one();
    else await Promise.all(Array.from({ length: inFlight }, one));
    return right;
  }
}

/** A string of its own, in one piece, as an HTTP parser makes it. */
function string(bytes) {
  return bytes.latin1Slice();
}
