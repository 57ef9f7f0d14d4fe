import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type NatsConnection } from "nats";
import pino from "pino";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { startNats } from "../../scripts/local-servers/nats.ts";
import { runCommand } from "../../scripts/run/command.ts";
import { print } from "../../scripts/run/terminal.ts";
import setup from "../support/jest/postgres-setup.ts";
import teardown from "../support/jest/postgres-teardown.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";
import { cpuSeconds, end } from "./children.ts";

const help = `What nodes cost that do nothing but know of each other: heartbeats, and what is sent when one joins. The nodes are
simulated: several brokers in one process, each with the options of a node and the services of a real one.

  npm run bench:nodes -- [--nodes 100]`;

const PROCESSES = 4;
const REST_MS = 30_000;

/** What a node tells others about itself; see https://github.com/moleculer-framework/protocol */
interface Info {
  readonly sender: string;
  readonly services: ReadonlyArray<{ readonly name: string }>;
}

interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

async function bench(stack: AsyncDisposableStack): Promise<number> {
  const { values } = parseArgs({ options: { nodes: { type: "string", default: "100" } } });
  const nodes = Number(values.nodes);
  await setup();
  stack.defer(teardown);
  const mesh = await startMesh();
  const infos = await readInfos(mesh);
  print(
    `${infos.length} real nodes announce themselves in ${median(infos.map((info) => sizeOf(info)))} bytes (median)`,
  );
  await mesh.stop();

  const dir = await mkdtemp(join(tmpdir(), "usermesh-nodes-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, "infos.json"), JSON.stringify(infos));
  const nats = await startNats({ dir: join(dir, "nats"), log: pino({ level: "error" }) });
  stack.defer(nats.stop);
  const client = await connect(natsOptions(nats.url));
  stack.defer(() => client.close());
  const count = countTraffic(client);
  const began = performance.now();
  const children = Array.from({ length: PROCESSES }, (_, n) =>
    fork(join(import.meta.dirname, "nodes-child.ts"), {
      env: { ...process.env, NATS_URL: nats.url, INFOS: join(dir, "infos.json") },
      execArgv: ["--require", "./scripts/environment.cjs"],
    }).once("spawn", function (this: ChildProcess) {
      this.send({ first: n, step: PROCESSES, nodes });
    }),
  );
  for (const child of children) stack.defer(() => end(child));
  await Promise.all(children.map((child) => once(child, "message")));
  print(
    `${nodes} nodes know each other after ${((performance.now() - began) / 1_000).toFixed(1)} s: ${shown(count())}`,
  );

  await sleep(5_000);
  const pids = children.map(({ pid }) => pid ?? 0);
  const before = await Promise.all([cpuSeconds(pids), cpuSeconds([nats.pid])]);
  count();
  await sleep(REST_MS);
  const seconds = REST_MS / 1_000;
  const rest = count();
  const after = await Promise.all([cpuSeconds(pids), cpuSeconds([nats.pid])]);
  const [brokers, server] = after.map((now, n) => ((now - (before[n] ?? 0)) / seconds) * 1_000) as [number, number];
  print(`at rest, each second: ${shown({ messages: rest.messages / seconds, bytes: rest.bytes / seconds })}`);
  print(`processor of each node ${(brokers / nodes).toFixed(2)} ms/s, of NATS ${server.toFixed(1)} ms/s`);

  const [first] = children;
  first?.send("another");
  const [joinedMs] = (await once(first as ChildProcess, "message")) as [number];
  print(`another node is known to all after ${joinedMs.toFixed(0)} ms: ${shown(count())}`);
  return 0;
}

async function readInfos(mesh: TestMesh): Promise<Info[]> {
  const client = await connect(natsOptions(mesh.nats.url));
  const infos = new Map<string, Info>();
  client.subscribe("MOL-usermesh.INFO.bench", {
    callback: (_, message) => {
      const info = message.json<Info>();
      infos.set(info.sender, info);
    },
  });
  client.publish("MOL-usermesh.DISCOVER", JSON.stringify({ ver: "5", sender: "bench" }));
  while (infos.size < mesh.names().length) await sleep(50);
  await client.close();
  return [...infos.values()];
}

/** Answers with what was published since it was last asked. */
function countTraffic(client: NatsConnection): () => Traffic {
  let messages = 0;
  let bytes = 0;
  client.subscribe("MOL-simulated.>", {
    callback: (_, { data }) => {
      messages += 1;
      bytes += data.length;
    },
  });
  return () => {
    const counted = { messages, bytes };
    messages = 0;
    bytes = 0;
    return counted;
  };
}

const sizeOf = (value: unknown) => JSON.stringify(value).length;
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const shown = ({ messages, bytes }: Traffic) =>
  `${Math.round(messages).toLocaleString("en")} messages, ${(bytes / 1_024).toFixed(0)} kB published`;

await runCommand({ help, run: bench });
