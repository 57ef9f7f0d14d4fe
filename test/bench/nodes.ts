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
import { startMesh, type TestMesh } from "../support/start/mesh.ts";
import { startTestPostgres, stopTestPostgres } from "../support/start/postgres-server.ts";
import { cpuSeconds, end } from "./children.ts";
import { median } from "./table.ts";

const help = `What nodes cost that do nothing but know of each other: heartbeats, and what is sent when one joins. The nodes are
simulated: several brokers in one process, each with the options of a node and the services of a real one.

  npm run bench:nodes -- [--nodes 100]`;

const PROCESSES = 4;
const SETTLE_MS = 5_000;
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
  const dir = await mkdtemp(join(tmpdir(), "usermesh-nodes-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const infosFile = join(dir, "infos.json");
  await writeFile(infosFile, JSON.stringify(await readRealInfos()));
  const nats = await startNats({ dir: join(dir, "nats"), log: pino({ level: "error" }) });
  stack.defer(nats.stop);
  const client = await connect(natsOptions(nats.url));
  stack.defer(() => client.close());
  const count = countTraffic(client);

  const began = performance.now();
  const children = Array.from({ length: PROCESSES }, () => forkNodes(nats.url, infosFile));
  for (const child of children) stack.defer(() => end(child));
  for (const [first, child] of children.entries()) child.send({ first, step: PROCESSES, nodes });
  await Promise.all(children.map((child) => once(child, "message")));
  const seconds = (performance.now() - began) / 1_000;
  print(`${nodes} nodes know each other after ${seconds.toFixed(1)} s: ${shown(count())}`);

  await sleep(SETTLE_MS);
  await measureRest({ pids: children.map(({ pid }) => pid ?? 0), natsPid: nats.pid, nodes, count });
  const first = children[0] as ChildProcess;
  first.send("another");
  const [joinedMs] = (await once(first, "message")) as [number];
  print(`another node is known to all after ${joinedMs.toFixed(0)} ms: ${shown(count())}`);
  return 0;
}

/** What the nodes of a real mesh announce. */
async function readRealInfos(): Promise<Info[]> {
  await startTestPostgres();
  try {
    const mesh = await startMesh();
    const infos = await readInfos(mesh).finally(() => mesh.stop());
    print(`${infos.length} real nodes announce themselves in ${median(infos.map(sizeOf))} bytes (median)`);
    return infos;
  } finally {
    await stopTestPostgres();
  }
}

function forkNodes(natsUrl: string, infosFile: string): ChildProcess {
  return fork(join(import.meta.dirname, "nodes-child.ts"), {
    env: { ...process.env, NATS_URL: natsUrl, INFOS: infosFile },
    execArgv: ["--require", "./scripts/environment.cjs"],
  });
}

interface Resting {
  readonly pids: readonly number[];
  readonly natsPid: number;
  readonly nodes: number;
  count(): Traffic;
}

async function measureRest({ pids, natsPid, nodes, count }: Resting): Promise<void> {
  const spent = () => Promise.all([cpuSeconds(pids), cpuSeconds([natsPid])]);
  const [brokersBefore, serverBefore] = await spent();
  count();
  await sleep(REST_MS);
  const { messages, bytes } = count();
  const [brokers, server] = await spent();
  const seconds = REST_MS / 1_000;
  const perSecond = (now: number, before: number) => ((now - before) / seconds) * 1_000;
  print(`at rest, each second: ${shown({ messages: messages / seconds, bytes: bytes / seconds })}`);
  print(
    `processor of each node ${(perSecond(brokers, brokersBefore) / nodes).toFixed(2)} ms/s, of NATS ${perSecond(server, serverBefore).toFixed(1)} ms/s`,
  );
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

const sizeOf = (value: Info) => JSON.stringify(value).length;
const shown = ({ messages, bytes }: Traffic) =>
  `${Math.round(messages).toLocaleString("en")} messages, ${(bytes / 1_024).toFixed(0)} kB published`;

await runCommand({ help, run: bench });
