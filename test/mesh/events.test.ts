import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type JetStreamManager, type NatsConnection } from "nats";
import pino from "pino";
import { openEventLog } from "../../lib/events/event-log.ts";
import { eventTypes, type MeshEvent, type StreamName } from "../../lib/events/events.ts";
import { systemClock, systemTimers } from "../../lib/runtime/clock.ts";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import type { Answer } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const PEOPLE = 10;
const CHANGES = 10;
/** Additional accounts, so that a snapshot has many pages. */
const CROWD = 3_000;

interface Copy {
  email?: string | undefined;
  name?: string | null | undefined;
  is_verified: boolean;
  is_active: boolean;
}

describe("events", () => {
  let mesh: TestMesh;
  let client: NatsConnection;
  let manager: JetStreamManager;
  let people: ReadonlyArray<Awaited<ReturnType<typeof register>>>;
  beforeAll(async () => {
    mesh = await startMesh({ processes: { gateway: 2, auth: 2, users: 2, preferences: 2, admin: 2 } });
    client = await connect(natsOptions(mesh.nats.url));
    manager = await client.jetstreamManager();
    people = await Promise.all(Array.from({ length: PEOPLE }, () => register(mesh)));
  });
  afterAll(async () => {
    await client?.close();
    await mesh?.stop();
  });

  const outboxes = ["users", "auth", "sessions", "preferences", "mail"];
  const settled = () =>
    eventually(
      "empty outboxes",
      async () => {
        const sql = outboxes.map((one) => `SELECT 1 FROM ${one}.outbox WHERE published_at IS NULL`).join(" UNION ALL ");
        return (await mesh.database.query(sql)).length === 0;
      },
      { every: 100 },
    );

  test("of concurrently changed users take effect once and in order, although relays are killed and paused", async () => {
    await failOnce(mesh, people[3]?.id ?? "");
    const done = new AbortController();
    const faults = breakRelays(mesh, done.signal);
    await Promise.all(people.map((person, index) => changeMuch(mesh, person, index)));
    done.abort();
    await faults;
    await settled();

    const users = await readFromTheFirst(mesh, manager, "USERS");
    expect(faultsOf(users)).toEqual([]);
    expect(await missingFrom(mesh, users)).toEqual([]);
    expect(copyOf(users)).toEqual(await accountsOf(mesh));
    const all = [...users, ...(await readFromTheFirst(mesh, manager, "SESSIONS"))].map((event) => event.event_id);
    const entries = await eventually("an activity log entry for each event", async () => {
      // Audit events, such as a refused sign-in, have entries too.
      const sql = "SELECT id FROM admin.activity WHERE action = ANY($1)";
      const rows = await mesh.database.query<{ id: string }>(sql, [eventTypes]);
      return rows.length >= all.length && rows.map((row) => row.id);
    });
    expect(entries.toSorted()).toEqual(all.toSorted());
    expect(await failures(mesh)).toBeGreaterThanOrEqual(2);
    await eventually("a notice to each user", () => people.every(({ email }) => notices(mesh, email).length > 0));
    for (const { email } of people) expect(new Set(notices(mesh, email)).size).toBe(1);
  });

  test("start with a snapshot on a recreated stream, even if the relay is killed in the middle", async () => {
    await addBulkFixtures(mesh);
    await manager.streams.delete("USERS");
    await eventually("some of the snapshot", async () => (await lengthOf(manager)) > 400, { every: 5 });
    await Promise.all(["users-1", "users-2"].map((name) => mesh.kill(name)));
    const told = await lengthOf(manager);
    expect(told).toBeLessThan(CROWD);
    await Promise.all(["users-1", "users-2"].map((name) => mesh.restart(name)));
    const renamed = people.slice(0, 3);
    await Promise.all(renamed.map((person) => rename(mesh, person)));
    await eventually("the whole snapshot", async () => (await lengthOf(manager)) >= CROWD + PEOPLE);
    await settled();

    const events = await readFromTheFirst(mesh, manager, "USERS");
    const snapshots = events.filter((event) => event.snapshot);
    expect(new Set(snapshots.map((event) => event.user_id)).size).toBe(snapshots.length);
    const accounts = await accountsOf(mesh);
    expect(snapshots).toHaveLength(Object.keys(accounts).length);
    expect(new Set(events.map((event) => event.event_id)).size).toBe(events.length);
    expect(outOfOrder(events)).toEqual([]);
    expect(copyOf(events)).toEqual(accounts);
    const logged = await mesh.database.query("SELECT 1 FROM admin.activity WHERE id = ANY($1)", [
      snapshots.map((event) => event.event_id),
    ]);
    expect(logged).toEqual([]);
  });
});

/** Handlers of one user's next event fail twice in the admin service. */
async function failOnce(mesh: TestMesh, userId: string): Promise<void> {
  await mesh.database.query("DROP SEQUENCE IF EXISTS public.failures");
  await mesh.database.query("CREATE SEQUENCE public.failures");
  await mesh.database.query(
    `CREATE OR REPLACE FUNCTION public.fail_twice() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
       IF nextval('public.failures') <= 2 THEN RAISE EXCEPTION 'not now'; END IF;
       RETURN NEW;
     END $$`,
  );
  await mesh.database.query(
    `CREATE OR REPLACE TRIGGER fail_twice BEFORE INSERT ON admin.activity FOR EACH ROW WHEN (NEW.user_id = '${userId}')
     EXECUTE FUNCTION public.fail_twice()`,
  );
}

async function failures(mesh: TestMesh): Promise<number> {
  const [row] = await mesh.database.query<{ last_value: string }>("SELECT last_value FROM public.failures");
  return Number(row?.last_value);
}

/** Until stopped: kills and restarts one node of each pair, or pauses it for longer than locks are held. */
async function breakRelays(mesh: TestMesh, signal: AbortSignal): Promise<void> {
  const victims = ["users-1", "auth-2", "users-2", "auth-1", "preferences-1"];
  for (let turn = 0; !signal.aborted; turn += 1) {
    const name = victims[turn % victims.length] as string;
    if (turn % 2 === 0) {
      await mesh.kill(name);
      await mesh.restart(name);
    } else {
      mesh.pause(name);
      await new Promise((resolve) => setTimeout(resolve, 1_500 + Math.random() * 1_000));
      mesh.resume(name);
    }
  }
}

/** A request whose node is killed is answered with 503, and retried. */
async function persist(what: string, ask: () => Promise<Answer>): Promise<Answer> {
  return eventually(
    what,
    async () => {
      const answer = await ask();
      return answer.status < 500 && answer;
    },
    { every: 100 },
  );
}

type Person = Awaited<ReturnType<typeof register>>;

async function signInPatiently(mesh: TestMesh, person: Person): Promise<string> {
  return eventually("signed in", async () => (await signIn(mesh, person)).access, { every: 200 });
}

async function rename(mesh: TestMesh, person: Person): Promise<void> {
  const access = await signInPatiently(mesh, person);
  const answer = await persist("renamed", () =>
    mesh.api.patch("users/me", { full_name: `Renamed ${Math.random()}` }, access),
  );
  expect(answer.status).toBe(200);
}

async function changeMuch(mesh: TestMesh, person: Person, index: number): Promise<void> {
  let access = await signInPatiently(mesh, person);
  for (let n = 0; n < CHANGES; n += 1) {
    const gateway = mesh.gateways[(index + n) % mesh.gateways.length] ?? mesh.api;
    const changes = [
      () => gateway.patch("users/me", { full_name: `Name ${index} ${n}`, company: `Company ${n}` }, access),
      () => gateway.patch("users/me/preferences", { age_min: 20 + n }, access),
    ];
    await Promise.all(changes.map(async (change) => expect((await persist("changed", change)).status).toBe(200)));
  }
  const body = { current_password: person.password, new_password: `${person.password}-new` };
  const changed = await persist("another password", () => mesh.api.post("auth/change-password", body, access));
  // The first response may have been lost: then the old password is no longer correct.
  expect([200, 401, 422]).toContain(changed.status);
  Object.assign(person, { password: body.new_password });
  access = await signInPatiently(mesh, person);
}

/** Reads like a new service: with its own consumer, from the first message. */
async function readFromTheFirst(mesh: TestMesh, manager: JetStreamManager, stream: StreamName): Promise<MeshEvent[]> {
  const warnings: string[] = [];
  const log = openEventLog(mesh.nats.url, {
    clock: systemClock,
    timers: systemTimers,
    log: pino({ level: "warn" }, { write: (line) => warnings.push(line) }),
  });
  const events: MeshEvent[] = [];
  const handle = async (event: MeshEvent) => void events.push(event);
  const name = `late-${randomUUID()}`;
  await log.consume({ name, stream, types: eventTypes, handle });
  let left = "no consumer";
  const all = async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(stream, name);
    left = `${num_pending} pending, ${num_ack_pending} not acknowledged`;
    return events.length > 0 && num_pending + num_ack_pending === 0;
  };
  try {
    await eventually(`all of ${stream}`, all, { every: 100 });
  } catch (cause) {
    throw new Error(`${events.length} events read, ${left}\n${warnings.join("")}`, { cause });
  } finally {
    await log.close();
  }
  return events;
}

const lineOf = ({ user_id, source }: MeshEvent) => `${source} ${user_id}`;

/** Duplicates, gaps and wrong order in the events of each source about each user. */
function faultsOf(events: readonly MeshEvent[]): string[] {
  const doubles = events.length - new Set(events.map((event) => event.event_id)).size;
  const lines = [...Map.groupBy(events, lineOf)];
  const broken = lines.filter(([, line]) => line.some((event, index) => event.version !== index + 1));
  return [
    ...(doubles > 0 ? [`${doubles} doubles`] : []),
    ...broken.map(([name, line]) => `${name}: ${line.map((event) => event.version)}`),
  ];
}

function outOfOrder(events: readonly MeshEvent[]): string[] {
  const lines = [...Map.groupBy(events, lineOf)];
  return lines
    .filter(([, line]) =>
      line.some((event, index) => index > 0 && event.version !== (line[index - 1]?.version ?? 0) + 1),
    )
    .map(([name]) => name);
}

/** Events counted by the services and missing from the stream. */
async function missingFrom(mesh: TestMesh, events: readonly MeshEvent[]): Promise<string[]> {
  const counted = await Promise.all(
    ["users", "auth", "preferences"].map(async (source) => {
      const rows = await mesh.database.query<{ user_id: string; version: number }>(
        `SELECT user_id, version FROM ${source}.event_counters`,
      );
      return rows.map(({ user_id, version }) => `${source} ${user_id} ${version}`);
    }),
  );
  const latest = new Map(events.map((event) => [lineOf(event), event.version]));
  const there = new Set([...latest].map(([line, version]) => `${line} ${version}`));
  return counted.flat().filter((one) => !there.has(one));
}

/** The accounts as a consumer reconstructs them from events alone. */
function copyOf(events: readonly MeshEvent[]): Record<string, Copy> {
  const copies: Record<string, Copy> = {};
  for (const event of events.filter(({ source }) => source === "users")) {
    const copy = copies[event.user_id] ?? { is_active: true, is_verified: false };
    copies[event.user_id] = {
      email: event.email,
      name: event.name,
      is_active: activeAfter(event) ?? copy.is_active,
      is_verified: verifiedAfter(event) ?? copy.is_verified,
    };
  }
  return copies;
}

function activeAfter(event: MeshEvent): boolean | undefined {
  if (event.event_type === "user.deactivated") return false;
  if (event.event_type === "user.reactivated") return true;
  return event.is_active as boolean | undefined;
}

function verifiedAfter(event: MeshEvent): boolean | undefined {
  return event.event_type === "user.verified" ? true : (event.is_verified as boolean | undefined);
}

async function accountsOf(mesh: TestMesh): Promise<Record<string, Copy>> {
  const rows = await mesh.database.query<Copy & { id: string }>(
    "SELECT id, email, full_name AS name, is_active, is_verified FROM users.users",
  );
  return Object.fromEntries(rows.map(({ id, ...copy }) => [id, copy]));
}

function notices(mesh: TestMesh, email: string): string[] {
  return mesh
    .mails()
    .filter((mail) => mail.to.includes(email) && /password/i.test(mail.subject))
    .map((mail) => mail.message_id);
}

async function lengthOf(manager: JetStreamManager): Promise<number> {
  return (await manager.streams.info("USERS")).state.messages;
}

async function addBulkFixtures(mesh: TestMesh): Promise<void> {
  const crowd = `crowd-${randomUUID()}`;
  await mesh.database.query(
    `INSERT INTO users.users (id, tenant_id, email, email_key, search_text, full_name)
     SELECT gen_random_uuid(), t.id, '${crowd}.' || n || '@example.com', '${crowd}.' || n || '@example.com', '', 'Crowd ' || n
     FROM users.tenants t, generate_series(1, ${CROWD}) n WHERE t.slug = 'default'`,
  );
}
