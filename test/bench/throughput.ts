import { setImmediate as turn } from "node:timers/promises";
import type { TestMesh } from "../support/start/mesh.ts";
import { cpuSeconds, type Generator, keepCoresAwake, startLimit } from "./children.ts";
import type { Load, Measured } from "./load.ts";
import { type Line, median, ms, rate } from "./table.ts";

export interface Ground {
  readonly stack: AsyncDisposableStack;
  readonly generator: Generator;
  readonly url: string;
  readonly effort: Effort;
  readonly say: (line: string) => void;
}

/** How much is measured. Fewer and shorter runs take less time, but their figures vary more. */
export interface Effort {
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  /** Of the mesh: those that are measured alone. Default: one of each service and worker. */
  readonly processes?: Readonly<Record<string, number>>;
  readonly mails: number;
  /** Concurrent ones. */
  readonly signIns: number;
  /** Of bcrypt: the higher one is for one measurement of sign-ins alone. */
  readonly costs: { readonly usual: number; readonly high: number };
  /** That sign in during a storm of sign-ins. */
  readonly accounts: number;
}

export interface Prepared extends Credentials {
  readonly access: string;
  /** Of a session each. */
  readonly refreshTokens: string[];
  /** For sign-ins to many accounts, because sign-ins to the same one would wait for each other. */
  readonly credentials: readonly Credentials[];
  /** What GET /users/me answers. */
  readonly body: string;
}

const CONNECTIONS = 50;
/** V8 goes on compiling for some ten seconds of full load. */
const WARM_UP_ROUNDS = 4;

export async function prepare({ url, effort }: Ground, sessions: number): Promise<Prepared> {
  const person = { email: "bench@example.com", password: "Bench-mark-1-mark" };
  const { password } = person;
  const credentials = Array.from({ length: effort.accounts }, (_, n) => ({
    email: `bench-login-${n}@example.com`,
    password,
  }));
  for (const one of [person, ...credentials]) await post(url, "register", one);
  const tokens = await signIn(url, person, sessions);
  const access = tokens.at(-1)?.access_token ?? "";
  const refreshTokens = tokens.map((one) => one.refresh_token);
  const me = await fetch(`${url}/api/v1/users/me`, { headers: { authorization: `Bearer ${access}` } });
  return { ...person, credentials, access, refreshTokens, body: await me.text() };
}

export async function signIn(url: string, { email, password }: Credentials, times: number): Promise<Tokens[]> {
  const tokens: Tokens[] = [];
  while (tokens.length < times) tokens.push((await post(url, "login", { email, password })).data);
  return tokens;
}

interface Credentials {
  readonly email: string;
  readonly password: string;
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

const meLoad = (url: string, access: string, seconds: number): Load => ({
  ...{ url, method: "GET", path: "/api/v1/users/me", connections: CONNECTIONS, seconds },
  headers: { authorization: `Bearer ${access}` },
});

/** Against a server that does nothing else; with a bus, moleculer-web as it comes, with a service that does nothing else. */
export async function measureMe(
  { stack, generator, url, say, effort }: Ground,
  { access, body }: Prepared,
  { bus, goal, floor }: { readonly bus: string | null; readonly goal: number; readonly floor: number },
): Promise<Line> {
  const env = { BODY: body, ...(bus !== null && { NATS_URL: bus }) };
  if (bus !== null) await startLimit(stack, ["hello"], env);
  const bare = await startLimit<string>(stack, [bus === null ? "http" : "web"], env);
  const where = bus === null ? "one process" : "mesh";
  say(`GET /users/me, ${where}`);
  using _ = keepCoresAwake();
  await generator.run(meLoad(url, access, WARM_UP_ROUNDS * effort.seconds));
  const rounds = await inTurns(effort, [
    () => generator.run(meLoad(url, access, effort.seconds)),
    () => generator.run(meLoad(bare, access, effort.seconds)),
  ]);
  const ratio = median(rounds.map(([ours, limit]) => (ours?.perSecond ?? 0) / (limit?.perSecond ?? 1)));
  return {
    what: `GET /users/me, ${where}`,
    ours: rate(median(rounds.map(([ours]) => ours?.perSecond ?? 0))),
    latency: latencyOf(rounds.flatMap(([ours]) => ours ?? [])),
    limit: `${rate(median(rounds.map(([, limit]) => limit?.perSecond ?? 0)))} ${bus === null ? "bare node:http" : "moleculer-web hello over NATS"}`,
    ratio,
    floor,
    goal: `>= ${goal}`,
    met: ratio >= goal,
  };
}

/** Of what garbage collections find, so that it is the same on a faster machine. */
export async function measureAllocations(
  { generator, url, effort }: Ground,
  { access }: Prepared,
  allocatedBy: (work: () => Promise<unknown>) => Promise<number>,
): Promise<Line> {
  let requests = 0;
  const bytes = await allocatedBy(async () => {
    const { perSecond } = await generator.run(meLoad(url, access, effort.seconds));
    requests = perSecond * effort.seconds;
  });
  return {
    what: "allocated per GET /users/me, one process",
    ours: `${(bytes / requests / 1_024).toFixed(1)} kB`,
    ...{ limit: "", goal: "", met: true },
  };
}

/** Medians of the rounds. */
function latencyOf(rounds: readonly Measured[]): string {
  const parts = (["p50", "p99", "p999"] as const).map((part) => median(rounds.map((round) => round[part])));
  return `${parts.map((part) => part.toFixed(part < 10 ? 1 : 0)).join(" / ")} ms`;
}

/** One after the other, round by round, after a round that does not count. */
export async function inTurns<T>({ rounds: count }: Effort, work: ReadonlyArray<() => Promise<T>>): Promise<T[][]> {
  const rounds: T[][] = [];
  for (let round = 0; round <= count; round += 1) {
    const results: T[] = [];
    for (const one of work) results.push(await one());
    if (round > 0) rounds.push(results);
  }
  return rounds;
}

/** Time of the processor: how many there are per second is also the load generator's and the database's doing. */
export async function measureRefresh(
  { generator, url, say, effort }: Ground,
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
    seconds: effort.seconds,
  };
  const all: Array<Measured & { readonly cpuMs: number }> = [];
  let refreshTokens: readonly string[] = person.refreshTokens;
  while (all.length < WARM_UP_ROUNDS + effort.rounds) {
    const before = await cpuSeconds(pids);
    const measured = await generator.run({ ...load, refreshTokens });
    refreshTokens = measured.refreshTokens;
    all.push({
      ...measured,
      cpuMs: ((await cpuSeconds(pids)) - before) / ((measured.perSecond * effort.seconds) / 1_000),
    });
  }
  const runs = all.slice(WARM_UP_ROUNDS);
  const perCore = 1_000 / median(runs.map((one) => one.cpuMs));
  return {
    what: `refresh per core, ${where}`,
    ours: rate(perCore),
    latency: latencyOf(runs),
    limit: `${rate(median(runs.map((one) => one.perSecond)))} at once`,
    goal: ">= 1,500/s",
    met: perCore >= 1_500,
  };
}

export const loginLoad = ({ url, effort }: Ground, { credentials }: Prepared, seconds: number): Load => ({
  ...{ url, method: "POST", path: "/api/v1/auth/login", bodies: credentials, connections: effort.signIns, seconds },
});

export async function measureLogin(
  ground: Ground,
  person: Prepared,
  { cost, goal, floor }: { readonly cost: number; readonly goal: number; readonly floor: number },
): Promise<Line> {
  const { stack, generator, say, effort } = ground;
  say(`login, bcrypt at cost ${cost}`);
  const seconds = 2 * effort.seconds;
  const rounds = await inTurns(effort, [
    async () => (await generator.run(loginLoad(ground, person, seconds))).perSecond,
    () => startLimit<number>(stack, ["bcrypt", String(cost), String(seconds)]),
  ]);
  const ratio = median(rounds.map(([ours = 0, limit = 1]) => ours / limit));
  return {
    what: `login, bcrypt at cost ${cost}`,
    ours: `${median(rounds.map(([ours = 0]) => ours)).toFixed(1)}/s`,
    limit: `${median(rounds.map(([, limit = 0]) => limit)).toFixed(1)}/s bare bcrypt`,
    ratio,
    floor,
    goal: `>= ${goal}`,
    met: ratio >= goal,
  };
}

const TIMEOUT_MS = 10_000;

/**
 * From the request, which is a little more than from the commit, to the mail server: the answer comes after the mail, because
 * it takes as long as for an address that nobody has. An account each: one gets only so many links.
 */
export async function measureMail({ url, say, effort }: Ground, { password }: Prepared, mesh: TestMesh): Promise<Line> {
  say("mail");
  const emails = Array.from({ length: effort.mails }, (_, n) => `bench-${n}@example.com`);
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
  return { what: "mail, request to SMTP, mesh", ours: ms(p50), limit: "p50", goal: "<= 30 ms", met: p50 <= 30 };
}

async function arrived(mesh: TestMesh, count: number): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  while (mesh.mails().length < count) {
    if (performance.now() > until) throw new Error(`${mesh.mails().length} mails arrived, not ${count}`);
    await turn();
  }
}
