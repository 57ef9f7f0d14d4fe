import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitCodes, runCommand } from "../../scripts/run/command.ts";
import { createTestDatabase } from "../support/start/database.ts";
import { startMesh } from "../support/start/mesh.ts";
import { startTestPostgres, stopTestPostgres } from "../support/start/postgres-server.ts";
import { memoryOf, startGenerator } from "./children.ts";
import { startOneProcess } from "./embedded.ts";
import { belowFloor, printLines, readReport, writeReport } from "./report.ts";
import { measureMemory, measureStart } from "./resources.ts";
import { measureRevocationCheck } from "./revocation-check.ts";
import { measureDuringSignIns } from "./sign-in-storm.ts";
import type { Line } from "./table.ts";
import {
  type Effort,
  type Ground,
  measureAllocations,
  measureLogin,
  measureMail,
  measureMe,
  measureRefresh,
  prepare,
} from "./throughput.ts";

const help = `The figures of Usermesh beside the most that this machine can do, over loopback. A ratio compares runs that take
turns and is the median of the rounds; absolute figures depend on the machine. Exits with 1 if a ratio is below its floor.

  npm run bench -- [--json report.json] [--compare earlier.json] [--short]

  --json <file>      writes the report
  --compare <file>   shows the figures of an earlier report beside the new ones
  --short            one short round without a check of the ratios, to test the benchmark itself`;

const common = {
  NODE_ENV: "development",
  PASSWORD_HASH_MAX_WAIT_MS: "8000",
  RATE_LIMIT_ENABLED: "true",
  CHECK_RESULTS: "false", // as in production
  RATE_LIMIT_DEFAULT: "1000000/60",
  RATE_LIMIT_LOGIN: "1000000/60",
  RATE_LIMIT_MAIL: "1000000/60",
  RATE_LIMIT_REGISTER: "1000000/60",
};

/** Megabytes. */
const NODE = { resident: 160, unshared: 120 };
const GATEWAY = { resident: 180, unshared: 140 };

const full: Effort = { rounds: 3, seconds: 3, mails: 40, signIns: 8, accounts: 20, costs: { usual: 10, high: 12 } };
const short: Effort = {
  ...{ rounds: 1, seconds: 0.25, mails: 3, signIns: 2, accounts: 2, costs: { usual: 4, high: 5 } },
  processes: { gateway: 1, auth: 1, sessions: 1, users: 1 },
};

const say = (line: string) => process.stderr.write(`${line}\n`);

async function bench(stack: AsyncDisposableStack, effort: Effort): Promise<readonly Line[]> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-bench-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  await startTestPostgres();
  stack.defer(stopTestPostgres);
  const generator = startGenerator(stack);
  const env = { ...common, PASSWORD_HASH_COST: String(effort.costs.usual) };
  say("starting: twice with a PostgreSQL of its own, for the time it takes");
  const lines: Line[] = [await measureStart(join(dir, "cold"), { ...env, ADMIN_PASSWORD: "Usher-of-the-Mesh-1" })];
  lines.push(await measureRevocationCheck());

  const database = await createTestDatabase();
  stack.defer(database.drop);
  const embedded = await startOneProcess({ ...env, DATA_DIR: join(dir, "one"), DATABASE_URL: database.url });
  stack.defer(embedded.stop);
  const one: Ground = { stack, generator, url: embedded.url, effort, say };
  const person = await prepare(one, 50);
  lines.push(await measureMe(one, person, { bus: null, goal: 0.33, floor: 0.3 }));
  lines.push(await measureAllocations(one, person, embedded.allocatedBy));
  lines.push(await measureRefresh(one, person, { where: "one process", pids: [embedded.pid] }));
  lines.push(await measureLogin(one, person, { cost: effort.costs.usual, goal: 0.95, floor: 0.7 }));
  lines.push(...(await measureDuringSignIns(one, person, "one process")));
  lines.push(measureMemory("memory, one process without PostgreSQL", await memoryOf(embedded.pid), { resident: 220 }));
  await embedded.stop();
  lines.push(await measureLoginAtHighCost(stack, one, join(dir, "high-cost")));

  const { processes } = effort;
  const mesh = await startMesh({ env, ...(processes && { processes }) });
  stack.defer(mesh.stop);
  const asked = ["gateway-1", "auth-1", "sessions-1", "users-1"].map((name) => mesh.pid(name));
  const many: Ground = { stack, generator, url: mesh.api.url, effort, say };
  const other = await prepare(many, 50);
  lines.push(await measureMe(many, other, { bus: mesh.nats.url, goal: 0.95, floor: 0.95 }));
  lines.push(await measureRefresh(many, other, { where: "mesh", pids: asked }));
  lines.push(await measureMail(many, other, mesh));
  lines.push(...(await measureDuringSignIns(many, other, "mesh")));
  for (const name of mesh.names().toSorted())
    lines.push(
      measureMemory(`memory, ${name}`, await memoryOf(mesh.pid(name)), name.startsWith("gateway") ? GATEWAY : NODE),
    );
  return lines;
}

/** Accounts of their own: those of another cost would be hashed again at their first sign-in. */
async function measureLoginAtHighCost(stack: AsyncDisposableStack, ground: Ground, dir: string): Promise<Line> {
  const database = await createTestDatabase();
  stack.defer(database.drop);
  const cost = ground.effort.costs.high;
  const settings = { ...common, PASSWORD_HASH_COST: String(cost), DATA_DIR: dir, DATABASE_URL: database.url };
  const usermesh = await startOneProcess(settings);
  stack.defer(usermesh.stop);
  const here: Ground = { ...ground, stack, url: usermesh.url };
  const line = await measureLogin(here, await prepare(here, 1), { cost, goal: 0.9, floor: 0.8 });
  await usermesh.stop();
  return line;
}

await runCommand({
  help,
  async run(stack, signal) {
    const options = { json: { type: "string" }, compare: { type: "string" }, short: { type: "boolean" } } as const;
    const { values } = parseArgs({ options });
    const before = values.compare === undefined ? undefined : await readReport(values.compare);
    signal.addEventListener(
      "abort",
      () => void stack.disposeAsync().finally(() => process.exit(exitCodes.interrupted)),
    );
    const lines = await bench(stack, values.short ? short : full);
    printLines(lines, before);
    if (values.json !== undefined) await writeReport(values.json, lines);
    const low = values.short ? [] : belowFloor(lines);
    for (const { what, ratio, floor } of low) say(`${what}: ${ratio?.toFixed(2)} is below ${floor}.`);
    return low.length === 0 ? exitCodes.done : exitCodes.failed;
  },
});
