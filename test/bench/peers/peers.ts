import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes, runCommand } from "../../../scripts/run/command.ts";
import { startTestPostgres, stopTestPostgres } from "../../support/start/postgres-server.ts";
import { type Generator, startGenerator } from "../children.ts";
import type { Measured } from "../load.ts";
import { median } from "../table.ts";
import { installBetterAuth, startBetterAuth } from "./better-auth.ts";
import { hasFastapi, startFastapi } from "./fastapi.ts";
import { megabytesOf, type Peer, type Person } from "./peer.ts";
import { startMany, startOne } from "./usermesh.ts";

const help = `Compares Usermesh with better-auth and a hand-written FastAPI service, on this machine, with one PostgreSQL and the
same bcrypt cost. All take turns. better-auth is installed into a temporary folder; FastAPI is skipped unless Debian's packages are there.

  npm run bench:peers`;

const COST = 10;
const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 20;
const HASHING_CLIENTS = 4;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function startPeers(stack: AsyncDisposableStack): Promise<readonly Peer[]> {
  const folder = await mkdtemp(join(tmpdir(), "usermesh-peers-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await startTestPostgres();
  stack.defer(stopTestPostgres);
  say("installing better-auth");
  await installBetterAuth(folder);
  say("starting all of them");
  const peers = [
    await startOne(stack, folder, COST),
    await startMany(stack, COST),
    await startBetterAuth(stack, { folder, cost: COST, cache: false }),
    await startBetterAuth(stack, { folder, cost: COST, cache: true }),
  ];
  if (await hasFastapi()) return [...peers, await startFastapi(stack, COST)];
  say("FastAPI is not installed (Debian: python3-fastapi python3-uvicorn python3-asyncpg python3-bcrypt python3-jose)");
  return peers;
}

const person = { email: "peer@example.com", password: "Peer-mark-1-mark" };

/** Measures the systems in turn, round by round. The first round is a warm-up; the figures are medians of the others. */
async function inTurns(peers: readonly Peer[], measure: (peer: Peer) => Promise<number>): Promise<number[]> {
  const rounds: number[][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const results: number[] = [];
    for (const peer of peers) results.push(await measure(peer));
    if (round > 0) rounds.push(results);
  }
  return peers.map((_, at) => median(rounds.map((results) => results[at] ?? 0)));
}

async function measureSessions(peers: readonly Peer[], generator: Generator) {
  const headers = new Map<Peer, Readonly<Record<string, string>>>();
  for (const peer of peers) headers.set(peer, await openSession(peer));
  const latencies = new Map<Peer, Measured[]>();
  const perSecond = await inTurns(peers, async (peer) => {
    const load = { url: peer.url, method: "GET", path: peer.path, connections: CONNECTIONS, seconds: SECONDS } as const;
    const measured = await generator.run({ ...load, headers: headers.get(peer) ?? {} });
    latencies.set(peer, [...(latencies.get(peer) ?? []), measured]);
    return measured.perSecond;
  });
  const p99 = peers.map((peer) => median((latencies.get(peer) ?? []).map((one) => one.p99)));
  return { perSecond, p99 };
}

async function openSession(peer: Peer): Promise<Readonly<Record<string, string>>> {
  const signedUp = await peer.signUp(person);
  if (!signedUp.ok) throw new Error(`${peer.name}: sign-up answers ${signedUp.status}`);
  return peer.sessionHeaders(await peer.signIn(person));
}

/** Requests per second of a few clients, each with one request after the other. */
async function perSecondOf(name: string, ask: () => Promise<Response>): Promise<number> {
  const began = performance.now();
  let done = 0;
  const client = async () => {
    while (performance.now() - began < SECONDS * 1_000) {
      const response = await ask();
      if (!response.ok) throw new Error(`${name} answers ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: HASHING_CLIENTS }, client));
  return done / ((performance.now() - began) / 1_000);
}

let people = 0;
function newPerson(): Person {
  people += 1;
  return { ...person, email: `peer-${people}@example.com` };
}

function print(rows: ReadonlyArray<readonly string[]>): void {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0));
  process.stdout.write(`\n${rows.map((row) => row.map(pad).join("  ")).join("\n")}\n`);
}

await runCommand({
  help,
  async run(stack, signal) {
    signal.addEventListener(
      "abort",
      () => void stack.disposeAsync().finally(() => process.exit(exitCodes.interrupted)),
    );
    const generator = startGenerator(stack);
    const peers = await startPeers(stack);
    say("session checks");
    const sessions = await measureSessions(peers, generator);
    const memory = await Promise.all(peers.map(megabytesOf));
    say("sign-ins");
    const signIns = await inTurns(peers, (peer) => perSecondOf(peer.name, () => peer.signIn(person)));
    say("sign-ups");
    const signUps = await inTurns(peers, (peer) => perSecondOf(peer.name, () => peer.signUp(newPerson())));
    const cells = peers.map(({ name, startMs }, at) => [
      name,
      Math.round(sessions.perSecond[at] ?? 0).toLocaleString("en"),
      `${(sessions.p99[at] ?? 0).toFixed(1)} ms`,
      (signIns[at] ?? 0).toFixed(1),
      (signUps[at] ?? 0).toFixed(1),
      `${Math.round(memory[at] ?? 0)} MB`,
      startMs === null ? "" : `${(startMs / 1_000).toFixed(1)} s`,
    ]);
    print([["", "session checks/s", "p99", "sign-ins/s", "sign-ups/s", "memory", "start"], ...cells]);
    return exitCodes.done;
  },
});
