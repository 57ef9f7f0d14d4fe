import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTestDatabase } from "../support/start/database.ts";
import { startMesh } from "../support/start/mesh.ts";
import { startTestPostgres, stopTestPostgres } from "../support/start/postgres-server.ts";
import { startOneProcess } from "./embedded.ts";
import { type Answer, post, registerAt, summarize } from "./overload-load.ts";
import { type Line, median, ms, table } from "./table.ts";

/**
 * `npm run bench:overload`: ten times as many sign-ups as the machine can hash, in one process and on a mesh. What must hold:
 * goodput stays near capacity, what is refused is refused at once, sign-ins get their share, and nothing of it lasts.
 */
const UNLIMITED = "1000000/60";
const env = {
  NODE_ENV: "development",
  CHECK_RESULTS: "false", // as in production
  PASSWORD_HASH_MAX_WAIT_MS: "1000", // the default; tests have a longer one
  RATE_LIMIT_DEFAULT: UNLIMITED,
  RATE_LIMIT_LOGIN: UNLIMITED,
  RATE_LIMIT_MAIL: UNLIMITED,
  RATE_LIMIT_REGISTER: UNLIMITED,
};

const SECONDS = 8;
const FACTOR = 10;
const REFUSAL_MS = 200;
const person = { email: "overload@example.com", password: "Over-load-1-load" };

const say = (line: string) => process.stderr.write(`${line}\n`);

async function measureOverload(where: string, url: string): Promise<readonly Line[]> {
  await post(url, "register", person);
  const idle = await signInMs(url, 5);
  say(`capacity, ${where}`);
  const capacity = await measureCapacity(url);
  say(`${FACTOR} times ${capacity.toFixed(1)} sign-ups per second, ${where}`);
  const [answers, signIns] = await Promise.all([
    registerAt(url, { perSecond: FACTOR * capacity, seconds: SECONDS }),
    signInsDuring(url, SECONDS),
  ]);
  await sleep(1_000);
  const after = await signInMs(url, 1);
  return [
    ...overloadLines(where, { answers, capacity, signIns }),
    afterLine(where, "sign-in 1 s after the overload", after, idle),
    ...(await measureBurst(where, url, idle)),
    await measureRefreshes(where, url),
  ];
}

/** Sign-ups per second if as many clients as can be kept busy wait for each answer. */
async function measureCapacity(url: string): Promise<number> {
  const began = performance.now();
  let done = 0;
  const client = async () => {
    while (performance.now() - began < (SECONDS / 2) * 1_000)
      if ((await post(url, "register", { ...person, email: newEmail() })).status === 201) done += 1;
  };
  await Promise.all(Array.from({ length: 4 }, client));
  return done / ((performance.now() - began) / 1_000);
}

async function signInsDuring(url: string, seconds: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    answers.push(await post(url, "login", person));
    await sleep(250);
  }
  return answers;
}

async function signInMs(url: string, times: number): Promise<number> {
  const taken: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const answer = await post(url, "login", person);
    taken.push(answer.status === 200 ? answer.ms : Number.POSITIVE_INFINITY);
  }
  return median(taken);
}

interface Overload {
  readonly answers: readonly Answer[];
  readonly capacity: number;
  readonly signIns: readonly Answer[];
}

function overloadLines(where: string, { answers, capacity, signIns }: Overload): Line[] {
  const { served, refused, others, refusalP99 } = summarize(answers, 201);
  const signedIn = summarize(signIns, 200).served;
  const goodput = (served + signedIn) / SECONDS;
  return [
    {
      what: `goodput at ${FACTOR}x, ${where}`,
      ours: `${goodput.toFixed(1)}/s`,
      limit: `${capacity.toFixed(1)}/s capacity`,
      ratio: goodput / capacity,
      goal: ">= 0.80",
      met: goodput / capacity >= 0.8,
    },
    refusalLine(`${refused} refusals with Retry-After, ${where}`, refusalP99, others),
    {
      what: `sign-ins during the overload, ${where}`,
      ours: `${signedIn} of ${signIns.length}`,
      limit: `slowest ${ms(Math.max(...signIns.map((one) => one.ms)))}`,
      goal: "all",
      met: signedIn === signIns.length,
    },
  ];
}

function refusalLine(what: string, p99: number, others: string): Line {
  return {
    what,
    ours: `p99 ${ms(p99)}`,
    limit: others,
    goal: `<= ${REFUSAL_MS} ms, no other error`,
    met: p99 <= REFUSAL_MS && others === "",
  };
}

function afterLine(where: string, what: string, after: number, idle: number): Line {
  return {
    what: `${what}, ${where}`,
    ours: ms(after),
    limit: `${ms(idle)} idle`,
    ratio: after / idle,
    goal: "<= 1.5",
    met: after / idle <= 1.5,
  };
}

async function measureBurst(where: string, url: string, idle: number): Promise<Line[]> {
  const sent = Array.from({ length: 300 }, () => post(url, "register", { ...person, email: newEmail() }));
  const answers = await Promise.all(sent);
  await sleep(1_000);
  const after = await signInMs(url, 1);
  const { served, refused, others, refusalP99 } = summarize(answers, 201);
  return [
    refusalLine(`300 sign-ups at once: ${served} served, ${refused} refused, ${where}`, refusalP99, others),
    afterLine(where, "sign-in 1 s after the burst", after, idle),
  ];
}

async function measureRefreshes(where: string, url: string): Promise<Line> {
  const sessions: Answer[] = [];
  for (let n = 0; n < 5; n += 1) sessions.push(await post(url, "login", person));
  const sent = Array.from({ length: 500 }, (_, n) =>
    post(url, "refresh", { refresh_token: sessions[n % sessions.length]?.refreshToken ?? "" }),
  );
  const answers = await Promise.all(sent);
  const { served, others, refused } = summarize(answers, 200);
  return {
    what: `500 refreshes of 5 sessions at once, ${where}`,
    ours: `${served} served, ${refused} refused`,
    limit: `${others} slowest ${ms(Math.max(...answers.map((one) => one.ms)))}`,
    goal: "all",
    met: served === answers.length,
  };
}

let emails = 0;
function newEmail(): string {
  emails += 1;
  return `overload-${emails}@example.com`;
}

async function bench(stack: AsyncDisposableStack, only: string | undefined): Promise<readonly Line[]> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-bench-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  await startTestPostgres();
  stack.defer(stopTestPostgres);
  const lines: Line[] = [];
  if (only !== "mesh") {
    const database = await createTestDatabase();
    stack.defer(database.drop);
    const one = await startOneProcess({ ...env, DATA_DIR: join(dir, "one"), DATABASE_URL: database.url });
    stack.defer(one.stop);
    lines.push(...(await measureOverload("one process", one.url)));
    await one.stop();
  }
  if (only !== "one") {
    const mesh = await startMesh({ env: { ...env, PASSWORD_HASH_COST: "12" } });
    stack.defer(mesh.stop);
    lines.push(...(await measureOverload("mesh", mesh.api.url)));
  }
  return lines;
}

await using stack = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)));
const lines = await bench(stack, process.argv[2]);
process.stdout.write(`\n${table(lines)}\n`);
