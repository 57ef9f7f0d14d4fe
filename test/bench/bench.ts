import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import setup from "../support/jest/postgres-setup.ts";
import teardown from "../support/jest/postgres-teardown.ts";
import { createTestDatabase } from "../support/start/database.ts";
import { startMesh } from "../support/start/mesh.ts";
import { residentMegabytes, startGenerator } from "./children.ts";
import { startOneProcess } from "./embedded.ts";
import { measureMemory, measureStart } from "./resources.ts";
import { measureRevocationCheck } from "./revocation-check.ts";
import { type Line, table } from "./table.ts";
import { type Ground, measureLogin, measureMail, measureMe, measureRefresh, prepare } from "./throughput.ts";

/**
 * `npm run bench`: ours with the limits beside them, on this machine and loopback alone. Ratios are of runs that take turns,
 * medians of the rounds; absolute figures say something about the machine.
 */
const PASSWORD_HASH_COST = "10";
const env = {
  NODE_ENV: "development",
  PASSWORD_HASH_COST,
  RATE_LIMIT_ENABLED: "true",
  CHECK_RESULTS: "false", // as in production
  RATE_LIMIT_DEFAULT: "1000000/60",
  RATE_LIMIT_LOGIN: "1000000/60",
  RATE_LIMIT_MAIL: "1000000/60",
  RATE_LIMIT_REGISTER: "1000000/60",
};

const say = (line: string) => process.stderr.write(`${line}\n`);

async function bench(stack: AsyncDisposableStack): Promise<readonly Line[]> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-bench-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  await setup();
  stack.defer(teardown);
  const generator = startGenerator(stack);
  say("starting: twice with a PostgreSQL of its own, for the time it takes");
  const lines: Line[] = [await measureStart(join(dir, "cold"), { ...env, ADMIN_PASSWORD: "Usher-of-the-Mesh-1" })];
  lines.push(await measureRevocationCheck());

  const database = await createTestDatabase();
  stack.defer(database.drop);
  const embedded = await startOneProcess({ ...env, DATA_DIR: join(dir, "one"), DATABASE_URL: database.url });
  stack.defer(embedded.stop);
  const one: Ground = { stack, generator, url: embedded.url, say };
  const person = await prepare(one, 50);
  lines.push(await measureMe(one, person, { bus: null, goal: 0.33 }));
  lines.push(await measureRefresh(one, person, { where: "one process", pids: [embedded.pid] }));
  lines.push(await measureLogin(one, person, Number(PASSWORD_HASH_COST)));
  lines.push(measureMemory("memory, one process without PostgreSQL", await residentMegabytes(embedded.pid), 250));
  await embedded.stop();

  const mesh = await startMesh({ env });
  stack.defer(mesh.stop);
  const asked = ["gateway-1", "auth-1", "sessions-1", "users-1"].map((name) => mesh.pid(name));
  const many: Ground = { stack, generator, url: mesh.api.url, say };
  const other = await prepare(many, 50);
  lines.push(await measureMe(many, other, { bus: mesh.nats.url, goal: 0.95 }));
  lines.push(await measureRefresh(many, other, { where: "mesh", pids: asked }));
  lines.push(await measureMail(many, other, mesh));
  for (const name of mesh.names().toSorted())
    lines.push(measureMemory(`memory, ${name}`, await residentMegabytes(mesh.pid(name)), 110));
  return lines;
}

await using stack = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)));
const lines = await bench(stack);
process.stdout.write(`\n${table(lines)}\n`);
