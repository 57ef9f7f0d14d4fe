import { setImmediate as turn } from "node:timers/promises";
import type { TestMesh } from "../support/start/mesh.ts";
import { cpuSeconds, type Generator, startLimit } from "./children.ts";
import type { Load, Measured } from "./load.ts";
import { type Line, median, ms, rate } from "./table.ts";

export interface Ground {
  readonly stack: AsyncDisposableStack;
  readonly generator: Generator;
  readonly url: string;
  readonly say: (line: string) => void;
}

export interface Prepared {
  readonly email: string;
  readonly password: string;
  readonly access: string;
  /** Of a session each. */
  readonly refreshTokens: string[];
  /** What GET /users/me answers. */
  readonly body: string;
}

const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 50;

export async function prepare({ url }: Ground, sessions: number): Promise<Prepared> {
  const person = { email: "bench@example.com", password: "Bench-mark-1-mark" };
  await post(url, "register", person);
  const refreshTokens: string[] = [];
  let access = "";
  for (let n = 0; n < sessions; n += 1) {
    const { data } = await post(url, "login", person);
    access = data.access_token;
    refreshTokens.push(data.refresh_token);
  }
  const me = await fetch(`${url}/api/v1/users/me`, { headers: { authorization: `Bearer ${access}` } });
  return { ...person, access, refreshTokens, body: await me.text() };
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

async function post(url: string, path: string, body: object): Promise<{ data: Tokens }> {
  const response = await fetch(`${url}/api/v1/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { data: Tokens };
}

/** Against a server that does nothing else; with a bus, moleculer-web as it comes, with a service that does nothing else. */
export async function measureMe(
  { stack, generator, url, say }: Ground,
  { access, body }: Prepared,
  { bus, goal }: { readonly bus: string | null; readonly goal: number },
): Promise<Line> {
  const env = { BODY: body, ...(bus !== null && { NATS_URL: bus }) };
  if (bus !== null) await startLimit(stack, ["hello"], env);
  const bare = await startLimit<string>(stack, [bus === null ? "http" : "web"], env);
  const where = bus === null ? "one process" : "mesh";
  say(`GET /users/me, ${where}`);
  const run = { method: "GET", path: "/api/v1/users/me", connections: CONNECTIONS, seconds: SECONDS } as const;
  const rounds = await inTurns([
    () => generator.run({ ...run, url, token: access }),
    () => generator.run({ ...run, url: bare, token: access }),
  ]);
  const ratio = median(rounds.map(([ours, limit]) => (ours?.perSecond ?? 0) / (limit?.perSecond ?? 1)));
  return {
    what: `GET /users/me, ${where}`,
    ours: rate(median(rounds.map(([ours]) => ours?.perSecond ?? 0))),
    limit: `${rate(median(rounds.map(([, limit]) => limit?.perSecond ?? 0)))} ${bus === null ? "bare node:http" : "moleculer-web hello over NATS"}`,
    ratio,
    goal: `>= ${goal}`,
    met: ratio >= goal,
  };
}

/** One after the other, round by round, after a round that does not count. */
async function inTurns<T>(work: ReadonlyArray<() => Promise<T>>): Promise<T[][]> {
  const rounds: T[][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const results: T[] = [];
    for (const one of work) results.push(await one());
    if (round > 0) rounds.push(results);
  }
  return rounds;
}

/** Time of the processor: how many there are per second is also the load generator's and the database's doing. */
export async function measureRefresh(
  { generator, url, say }: Ground,
  person: Prepared,
  { where, pids }: { readonly where: string; readonly pids: readonly number[] },
): Promise<Line> {
  say(`refresh, ${where}`);
  const load: Load = {
    url,
    method: "POST",
    path: "/api/v1/auth/refresh",
    refreshTokens: person.refreshTokens,
    connections: person.refreshTokens.length,
    seconds: SECONDS,
  };
  const runs: Array<Measured & { readonly cpuMs: number }> = [];
  let refreshTokens: readonly string[] = person.refreshTokens;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await cpuSeconds(pids);
    const measured = await generator.run({ ...load, refreshTokens });
    refreshTokens = measured.refreshTokens;
    runs.push({ ...measured, cpuMs: ((await cpuSeconds(pids)) - before) / ((measured.perSecond * SECONDS) / 1_000) });
  }
  const perCore = 1_000 / median(runs.map((one) => one.cpuMs));
  return {
    what: `refresh per core, ${where}`,
    ours: rate(perCore),
    limit: `${rate(median(runs.map((one) => one.perSecond)))} at once, p99 ${ms(median(runs.map((one) => one.p99)))}`,
    goal: ">= 1,500/s",
    met: perCore >= 1_500,
  };
}

export async function measureLogin(
  { stack, generator, url, say }: Ground,
  { email, password }: Prepared,
  cost: number,
): Promise<Line> {
  say("login");
  const body = { email, password };
  const seconds = 2 * SECONDS;
  const load: Load = { url, method: "POST", path: "/api/v1/auth/login", body, connections: 8, seconds };
  const rounds = await inTurns([
    async () => (await generator.run(load)).perSecond,
    () => startLimit<number>(stack, ["bcrypt", String(cost), String(seconds)]),
  ]);
  const ratio = median(rounds.map(([ours = 0, limit = 1]) => ours / limit));
  return {
    what: `login, bcrypt at cost ${cost}`,
    ours: `${median(rounds.map(([ours = 0]) => ours)).toFixed(1)}/s`,
    limit: `${median(rounds.map(([, limit = 0]) => limit)).toFixed(1)}/s bare bcrypt`,
    ratio,
    goal: ">= 0.95",
    met: ratio >= 0.95,
  };
}

const MAILS = 40;
const TIMEOUT_MS = 10_000;

/**
 * From the request, which is a little more than from the commit, to the mail server: the answer comes after the mail, because
 * it takes as long as for an address that nobody has. An account each: one gets only so many links.
 */
export async function measureMail({ url, say }: Ground, { password }: Prepared, mesh: TestMesh): Promise<Line> {
  say("mail");
  const emails = Array.from({ length: MAILS }, (_, n) => `bench-${n}@example.com`);
  for (const email of emails) await post(url, "register", { email, password });
  await arrived(mesh, emails.length);
  const times: number[] = [];
  for (const email of emails) {
    const had = mesh.mails().length;
    const began = performance.now();
    const answered = post(url, "password-reset-request", { email });
    await Promise.all([answered, arrived(mesh, had + 1).then(() => times.push(performance.now() - began))]);
  }
  const p50 = median(times);
  return { what: "mail, request to SMTP, mesh", ours: ms(p50), limit: "p50", goal: "<= 50 ms", met: p50 <= 50 };
}

async function arrived(mesh: TestMesh, count: number): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  while (mesh.mails().length < count) {
    if (performance.now() > until) throw new Error(`${mesh.mails().length} mails arrived, not ${count}`);
    await turn();
  }
}
