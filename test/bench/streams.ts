import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { runCommand } from "../../scripts/run/command.ts";
import { print } from "../../scripts/run/terminal.ts";
import { cpuSeconds, memoryOf, startGenerator } from "./children.ts";
import { startOneProcess } from "./embedded.ts";
import { table } from "./table.ts";

const help = `What open event streams cost: GET /api/v1/users/me/events of many pages at once, in one process over loopback.

  npm run bench:streams -- [--clients 10000]`;

/** As many as one account may have open. */
const STREAMS_PER_ACCOUNT = 10;
const AT_ONCE = 50;
/** Two heartbeats of each stream. */
const REST_MS = 30_000;
const ENDED_ACCOUNTS = 100;
const password = "Bench-mark-1-mark";

interface Account {
  readonly access: string;
}

interface Stream {
  readonly account: Account;
  readonly socket: Socket;
  /** Milliseconds of the monotonic clock; resolves with the event that says that the session has ended. */
  readonly ended: Promise<number>;
}

async function bench(stack: AsyncDisposableStack): Promise<number> {
  const { values } = parseArgs({ options: { clients: { type: "string", default: "10000" } } });
  const clients = Number(values.clients);
  const dir = await mkdtemp(join(tmpdir(), "usermesh-streams-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const usermesh = await startOneProcess({ DATA_DIR: dir, PASSWORD_HASH_COST: "4", RATE_LIMIT_ENABLED: "false" });
  stack.defer(usermesh.stop);
  print(`${clients / STREAMS_PER_ACCOUNT} accounts sign in`);
  const numbers = Array.from({ length: clients / STREAMS_PER_ACCOUNT }, (_, n) => n);
  const accounts = await inParallel(numbers, (n) => createAccount(usermesh.url, n));
  const generator = startGenerator(stack);
  const without = await look();

  print(`${clients} streams open`);
  const began = performance.now();
  const streams = await inParallel(
    accounts.flatMap((account) => Array<Account>(STREAMS_PER_ACCOUNT).fill(account)),
    (account) => openStream(usermesh.url, account),
  );
  stack.defer(() => {
    for (const { socket } of streams) socket.destroy();
  });
  const openedMs = performance.now() - began;
  const open = await look();

  print(`${ENDED_ACCOUNTS} accounts sign out`);
  const delays = await inParallel(accounts.slice(0, ENDED_ACCOUNTS), async (account) => {
    const own = streams.filter((stream) => stream.account === account);
    const asked = performance.now();
    await post(usermesh.url, "logout", {}, account.access);
    return (await Promise.all(own.map(({ ended }) => ended))).map((at) => at - asked);
  });
  const sorted = delays.flat().toSorted((left, right) => left - right);
  const row = (what: string, of: (looked: Looked) => string) => ({
    ...{ what, ours: of(open), limit: of(without), goal: "", met: true },
  });
  const perStream = ((open.megabytes - without.megabytes) * 1_024) / clients;
  print(
    `\n"limit" is the same without streams.\n${table([
      row("memory, private", ({ megabytes }) => `${Math.round(megabytes)} MB`),
      row("processor at rest", ({ cpu }) => `${(cpu * 100).toFixed(1)} % of a core`),
      row("GET /users/me, p50 / p99", ({ latency }) => latency),
    ])}\n
opened           ${Math.round(clients / (openedMs / 1_000))}/s
memory           ${perStream.toFixed(1)} kB per stream
end of a session p50 ${at(sorted, 0.5)} ms, p99 ${at(sorted, 0.99)} ms, ${sorted.length} streams`,
  );
  return 0;

  async function look(): Promise<Looked> {
    const before = await cpuSeconds([usermesh.pid]);
    await sleep(REST_MS);
    const cpu = ((await cpuSeconds([usermesh.pid])) - before) / (REST_MS / 1_000);
    const headers = { authorization: `Bearer ${accounts.at(-1)?.access}` };
    const load = { method: "GET", path: "/api/v1/users/me", headers, connections: 5, pauseMs: 20, seconds: 5 } as const;
    const { p50, p99 } = await generator.run({ url: usermesh.url, ...load });
    const { privateMegabytes: megabytes } = await memoryOf(usermesh.pid);
    return { megabytes, cpu, latency: `${p50.toFixed(1)} / ${p99.toFixed(1)} ms` };
  }
}

interface Looked {
  readonly megabytes: number;
  readonly cpu: number;
  readonly latency: string;
}

const at = (sorted: readonly number[], part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);

async function createAccount(url: string, n: number): Promise<Account> {
  const credentials = { email: `bench-stream-${n}@example.com`, password };
  await post(url, "register", credentials);
  return { access: (await post(url, "login", credentials)).access_token };
}

async function post(url: string, path: string, body: object, access?: string) {
  const response = await fetch(`${url}/api/v1/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(access && { authorization: `Bearer ${access}` }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { data: { access_token: string } }).data;
}

/** On a bare socket, because 10,000 clients of a library would need more memory than what is measured. */
async function openStream(url: string, account: Account): Promise<Stream> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setEncoding("utf8");
  const lines = [
    "GET /api/v1/users/me/events HTTP/1.1",
    `Host: ${host}`,
    `Authorization: Bearer ${account.access}`,
    "Accept: text/event-stream",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const ended = Promise.withResolvers<number>();
  const opened = Promise.withResolvers<void>();
  socket.on("data", (text: string) => {
    if (text.startsWith("HTTP/1.1 200")) opened.resolve();
    else if (text.startsWith("HTTP/1.1")) opened.reject(new Error(text));
    if (text.includes("event: session_ended")) ended.resolve(performance.now());
  });
  socket.on("error", opened.reject);
  await opened.promise;
  return { account, socket, ended: ended.promise };
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

await runCommand({ help, run: bench });
