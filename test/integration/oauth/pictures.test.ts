import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import type { RunningJob } from "../../../lib/runtime/platform.ts";
import picturesWorker from "../../../workers/pictures.worker.ts";
import { createApiClient } from "../../support/clients/api-client.ts";
import { bomb, bytesOf, form, picture } from "../../support/data/avatar-uploads.ts";
import { beginLink, comeBack, signInBy } from "../../support/data/oauth-flow.ts";
import { eventually } from "../../support/eventually.ts";
import { type Claims, type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import {
  content,
  type PictureAnswer,
  type PictureServer,
  redirect,
  startPictureServer,
  status,
  zeros,
} from "../../support/fakes/picture-server.ts";
import { newPerson, register, signIn, verifyAddress } from "../../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { startServices } from "../../support/start/services.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let provider: MaliciousProvider;
let pictures: PictureServer;
let usermesh: Usermesh;
const settings = () => ({
  OAUTH_LAB_ISSUER: provider.issuer,
  OAUTH_LAB_CLIENT_ID: "usermesh",
  OAUTH_PICTURES: "any",
  UPLOAD_MAX_BYTES: "1048576",
});

beforeAll(async () => {
  [provider, pictures] = await Promise.all([startMaliciousProvider(), startPictureServer()]);
  usermesh = await startUsermesh(settings());
});
afterAll(async () => {
  await usermesh.stop();
  await Promise.all([provider.stop(), pictures.stop()]);
});

const someone = (url: unknown): Claims => {
  const { email } = newPerson();
  return { sub: email, email, email_verified: true, auth_time: Math.floor(Date.now() / 1_000), picture: url };
};

interface SignedUp {
  readonly id: string;
  readonly access: string;
}

async function signUp(url: unknown, { api }: Pick<Usermesh, "api"> = usermesh): Promise<SignedUp> {
  const { status: code, body } = await signInBy(api, "lab", provider, someone(url));
  expect(code).toBe(200);
  return { id: body.data.user.id, access: body.data.access_token };
}

const redPicture = async () => content(await bytesOf(picture().png()));
const avatarOf = async ({ access }: SignedUp, { api }: Pick<Usermesh, "api"> = usermesh): Promise<string | null> =>
  (await api.get("users/me", access)).body.data.avatar_url;

async function pendingUrl({ id }: SignedUp, database: TestDatabase = usermesh.database): Promise<string | null> {
  const sql = "SELECT picture_url FROM auth.identities WHERE user_id = $1";
  return (await database.query<{ picture_url: string | null }>(sql, [id]))[0]?.picture_url ?? null;
}

const settled = (person: SignedUp, database?: TestDatabase) =>
  eventually("the end of the job", async () => (await pendingUrl(person, database)) === null);
const storedAvatars = ({ id }: SignedUp) =>
  usermesh.database.query("SELECT key FROM users.avatars WHERE user_id = $1", [id]);

async function adoption({ id: user_id }: SignedUp) {
  const webp = async (side: number) => Buffer.from(await bytesOf(picture(side, side).webp())).toString("base64");
  return { id: randomUUID(), user_id, image: await webp(512), thumbnail: await webp(96) };
}

/** An answer that waits until the test lets it go. */
function held(answer: PictureAnswer) {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const hold: PictureAnswer = (response, request) => {
    arrived.resolve();
    void released.promise.then(() => answer(response, request));
  };
  return { hold, arrived: arrived.promise, release: released.resolve };
}

describe("an account that is created through a provider", () => {
  test("gets the provider's picture as its avatar, re-encoded, and an event reports it", async () => {
    const url = pictures.add(await redPicture());
    const person = await signUp(url);
    const avatar = await eventually("the avatar", () => avatarOf(person));
    const path = new URL(avatar).pathname;
    const image = await fetch(usermesh.url + path);
    const { data, info } = await sharp(Buffer.from(await image.arrayBuffer()))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([image.headers.get("content-type"), info.width, info.height]).toEqual(["image/webp", 512, 512]);
    expect(data[0]).toBeGreaterThan(180);
    expect((await fetch(usermesh.url + path.replace(".webp", "-thumb.webp"))).status).toBe(200);

    await settled(person);
    expect(pictures.requests(url)).toBe(1);
    const events = await usermesh.database.query<{ fields: string[] }>(
      "SELECT body -> 'updated_fields' AS fields FROM users.outbox WHERE user_id = $1 AND body ->> 'event_type' = 'user.updated'",
      [person.id],
    );
    expect(events).toEqual([{ fields: ["avatar_url", "profile_picture_url"] }]);
  });

  test("gets the picture at the second attempt if the first is answered with 500", async () => {
    const url = pictures.add(status(500), await redPicture());
    const person = await signUp(url);
    await eventually("the avatar", () => avatarOf(person));
    expect(pictures.requests(url)).toBe(2);
  });

  test("keeps the picture that its owner has uploaded meanwhile", async () => {
    const { hold, arrived, release } = held(await redPicture());
    const person = await signUp(pictures.add(hold));
    await arrived;
    const raw = form(await bytesOf(picture(64, 64).png()));
    const upload = await usermesh.api.request("POST", "users/me/avatar", { raw, token: person.access });
    release();
    await settled(person);
    expect(await avatarOf(person)).toBe(upload.body.data.avatar_url);
    expect(await storedAvatars(person)).toHaveLength(1);
  });

  test("gets nothing if it was deleted meanwhile", async () => {
    const { hold, arrived, release } = held(await redPicture());
    const person = await signUp(pictures.add(hold));
    await arrived;
    expect((await usermesh.api.delete("users/me", person.access)).status).toBe(200);
    release();
    await settled(person);
    expect(await storedAvatars(person)).toEqual([]);
  });

  test.each([
    ["an upload", "avatar_url = 'https://pictures.example/own.webp'"],
    ["a deletion", "deleted_at = now()"],
  ])("gets nothing if %s commits while the picture is being stored", async (_, change) => {
    const person = await signUp(undefined);
    const { database } = usermesh;
    const marked = `/* ${randomUUID()} */`;
    const committed = database.query(
      `${marked} WITH changed AS (UPDATE users.users SET ${change} WHERE id = $1 RETURNING id) SELECT pg_sleep(2) FROM changed`,
      [person.id],
    );
    const isWaiting = "SELECT 1 FROM pg_stat_activity WHERE starts_with(query, $1) AND wait_event = 'PgSleep'";
    await eventually("the row's lock", async () => (await database.query(isWaiting, [marked])).length === 1);
    const adopted = usermesh.as("worker-pictures", "users.adoptAvatar", await adoption(person));
    await eventually("the stored picture", async () => (await storedAvatars(person)).length === 1);
    await committed;
    expect([await adopted, await storedAvatars(person)]).toEqual([{ adopted: false }, []]);
  });

  test("gets the picture only once: after its owner has removed it, it does not come back", async () => {
    const person = await signUp(undefined);
    const adopt = await adoption(person);
    const adoptAgain = () => usermesh.as("worker-pictures", "users.adoptAvatar", adopt);
    expect(await adoptAgain()).toEqual({ adopted: true });
    expect(await adoptAgain()).toEqual({ adopted: false });
    await usermesh.api.delete("users/me/avatar", person.access);
    expect(await adoptAgain()).toEqual({ adopted: false });
    expect([await avatarOf(person), await storedAvatars(person)]).toEqual([null, []]);
  });
});

describe("a picture that can't be used is requested once, and given up:", () => {
  const html = "<!doctype html><script>alert(1)</script>";
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  test.each<readonly [string, () => Promise<PictureAnswer> | PictureAnswer]>([
    ["missing", () => status(404)],
    ["HTML", () => content(html)],
    ["SVG", () => content(svg, "image/svg+xml")],
    ["half a JPEG", async () => content((await bytesOf(picture().jpeg())).subarray(0, 900))],
    ["a decompression bomb", () => content(bomb(30_000, 30_000))],
    ["behind a redirect to a file", () => redirect("file:///etc/passwd")],
  ])("%s", async (_, answer) => {
    const url = pictures.add(await answer());
    const person = await signUp(url);
    await settled(person);
    expect([await avatarOf(person), pictures.requests(url)]).toEqual([null, 1]);
    expect(await usermesh.platform.queues.failed("pictures", 10)).toEqual([]);
  });

  test("20 MB, which are not read to the end", async () => {
    const closed = Promise.withResolvers<number>();
    const person = await signUp(pictures.add(zeros(20 * 1_048_576, closed.resolve)));
    expect(await closed.promise).toBeLessThan(20 * 1_048_576);
    await settled(person);
    expect(await avatarOf(person)).toBeNull();
  });
});

test.each([
  ["no URL", 7],
  ["another scheme", "data:image/png;base64,AAAA"],
  ["a user name", "http://ada:secret@pictures.example/a.png"],
  ["a very long URL", `https://pictures.example/${"a".repeat(2_048)}`],
])("a claim that is %s is ignored", async (_, claim) => {
  const person = await signUp(claim);
  await usermesh.settled();
  const jobs = await usermesh.database.query("SELECT 1 FROM auth.outbox WHERE user_id = $1 AND kind = 'job'", [
    person.id,
  ]);
  expect(jobs).toEqual([]);
});

test("an existing account gets no picture when its owner signs in with a provider or links one", async () => {
  const url = pictures.add(await redPicture());
  const known = someone(undefined);
  await signInBy(usermesh.api, "lab", provider, known);
  await signInBy(usermesh.api, "lab", provider, { ...known, picture: url });

  const person = await register(usermesh);
  await verifyAddress(usermesh, person);
  const { access } = await signIn(usermesh, person);
  const way = await beginLink(usermesh.api, "lab", access);
  const linked = await comeBack(usermesh.api, way, { code: provider.issue(way.authorizeUrl, someone(url)) });
  expect(linked.body.data.status).toBe("linked");

  const matched = await register(usermesh);
  await verifyAddress(usermesh, matched);
  const claims = { ...someone(url), email: matched.email };
  expect((await signInBy(usermesh.api, "lab", provider, claims)).body.data.user.id).toBe(matched.id);

  await usermesh.settled();
  const stored = await usermesh.database.query("SELECT 1 FROM auth.identities WHERE picture_url = $1", [url]);
  expect([stored, pictures.requests(url)]).toEqual([[], 0]);
});

describe("the job survives a restart:", () => {
  const withoutWorker = ["gateway", "auth", "users", "sessions", "preferences", "mail", "admin"];
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("a picture is fetched after all processes were restarted, and the URL of an erased account is gone", async () => {
    const env = { ...settings(), DATABASE_URL: database.url };
    const url = pictures.add(await redPicture());
    const before = await startServices(withoutWorker, env);
    const person = await signUp(url, { api: createApiClient(before.url) });
    const other = await signUp(pictures.add(await redPicture()), { api: createApiClient(before.url) });
    const user = { kind: "service", name: "users" } as const;
    await before.call("auth.erase", { user_id: other.id, erasure_id: randomUUID() }, user);
    await before.stop();
    expect(await pendingUrl(person, database)).toBe(url);
    expect(await pendingUrl(other, database)).toBeNull();

    const after = await startUsermesh(env);
    await settled(person, database);
    const [account] = await database.query("SELECT avatar_url FROM users.users WHERE id = $1", [person.id]);
    expect(account).toMatchObject({ avatar_url: expect.stringContaining("/avatars/") });
    await after.stop();
  });

  test("a failed last attempt deletes the URL and leaves no dead letter", async () => {
    const env = { ...settings(), DATABASE_URL: database.url };
    const running = await startServices(withoutWorker, env);
    const url = pictures.add(status(503));
    const person = await signUp(url, { api: createApiClient(running.url) });
    let handle: (job: RunningJob) => Promise<void> = async () => undefined;
    const queues: typeof running.platform.queues = {
      ...running.platform.queues,
      async work(_, options) {
        handle = options.handle;
        return { close: async () => undefined };
      },
    };
    const service = running.broker.createService(picturesWorker({ ...running.platform, queues }));
    await running.broker.waitForServices([service.name]);
    const data = { user_id: person.id, correlation_id: randomUUID() };
    const job = { id: randomUUID(), name: "provider-picture", data };
    await expect(handle({ ...job, attempt: 1, isLastAttempt: false })).rejects.toThrow("http_503");
    expect(await pendingUrl(person, database)).toBe(url);
    await handle({ ...job, attempt: 12, isLastAttempt: true });
    expect(await pendingUrl(person, database)).toBeNull();
    await running.stop();
  });
});

test("a URL whose job was lost is deleted after a week", async () => {
  const { hold, arrived, release } = held(status(404));
  const [old, recent] = [await signUp(pictures.add(hold)), await signUp(pictures.add(hold))];
  await arrived;
  await usermesh.database.query(
    "UPDATE auth.identities SET created_at = created_at - interval '8 days' WHERE user_id = $1",
    [old.id],
  );
  expect(await usermesh.as("worker-maintenance", "auth.sweep", {})).toMatchObject({ picture_urls: 1 });
  expect([await pendingUrl(old), typeof (await pendingUrl(recent))]).toEqual([null, "string"]);
  release();
  await settled(recent);
});

describe("with other values of OAUTH_PICTURES", () => {
  test("public: no connection to a private address, and none over http", async () => {
    const inside = await startPictureServer();
    const guarded = await startUsermesh({ ...settings(), OAUTH_PICTURES: "public" });
    const plain = inside.add(await redPicture());
    expect(await pendingUrl(await signUp(plain, guarded), guarded.database)).toBeNull();
    const person = await signUp(plain.replace("http:", "https:"), guarded);
    await settled(person, guarded.database);
    await guarded.settled();
    expect([await avatarOf(person, guarded), inside.connections()]).toEqual([null, 0]);
    await guarded.stop();
    await inside.stop();
  });

  test("off: no URL is stored", async () => {
    const off = await startUsermesh({ ...settings(), OAUTH_PICTURES: "off" });
    const url = pictures.add(await redPicture());
    const person = await signUp(url, off);
    await off.settled();
    expect([await pendingUrl(person, off.database), pictures.requests(url)]).toEqual([null, 0]);
    await off.stop();
  });
});
