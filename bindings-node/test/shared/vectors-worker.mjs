import { parentPort } from "node:worker_threads";
import { runVectors } from "./vectors.mjs";

parentPort.postMessage(await runVectors());
