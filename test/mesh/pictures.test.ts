import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import sharp from "sharp";
import { signInBy } from "../support/data/oauth-flow.ts";
import { eventually } from "../support/eventually.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { content, type PictureServer, startPictureServer } from "../support/fakes/picture-server.ts";
import { newPerson } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const PATIENCE = { every: 50, within: 90_000 };

let provider: MaliciousProvider;
let pictures: PictureServer;
let mesh: TestMesh;
beforeAll(async () => {
  [provider, pictures] = await Promise.all([startMaliciousProvider(), startPictureServer()]);
  mesh = await startMesh({
    processes: { auth: 1, users: 1, "worker-pictures": 1 },
    env: { OAUTH_LAB_ISSUER: provider.issuer, OAUTH_LAB_CLIENT_ID: "usermesh", OAUTH_PICTURES: "any" },
  });
});
afterAll(async () => {
  await mesh?.stop();
  await Promise.all([provider?.stop(), pictures?.stop()]);
});

/** Noise compresses badly, so that both images together are as large as the bus has to carry. */
const noise = () =>
  sharp({
    create: { width: 512, height: 512, channels: 3, background: "#000", noise: { type: "gaussian", sigma: 90 } },
  })
    .png()
    .toBuffer();

async function signUp(picture: string): Promise<string> {
  const { email } = newPerson();
  const claims = { sub: email, email, email_verified: true, picture };
  const created = async () => (await signInBy(mesh.api, "lab", provider, claims)).body.data?.user.id as string;
  // A gateway learns of a restarted service within a second.
  return eventually("the account", created, PATIENCE);
}

const avatarsOf = (id: string) =>
  mesh.database.query<{ avatar_url: string }>(
    `SELECT avatar_url FROM users.users JOIN users.avatars ON user_id = id AND in_use
     WHERE id = $1 AND avatar_url LIKE '%' || key || '.webp'`,
    [id],
  );

test.each(["worker-pictures-1", "users-1", "auth-1"])(
  "a new account gets its provider's picture although %s is killed during the request for it",
  async (victim) => {
    const waiting: ServerResponse[] = [];
    const answer = content(await noise());
    const url = pictures.add((response) => void waiting.push(response), answer);
    const id = await signUp(url);
    await eventually("the request", () => waiting.length === 1, PATIENCE);
    await mesh.kill(victim);
    for (const response of waiting) answer(response, response.req);
    await mesh.restart(victim);
    const [account] = await eventually(
      "the avatar",
      async () => {
        const found = await avatarsOf(id);
        return found.length === 1 && found;
      },
      PATIENCE,
    );
    const path = new URL(account?.avatar_url ?? "").pathname;
    const image = await eventually(
      "the image",
      async () => {
        const response = await fetch(mesh.api.url + path);
        return response.status === 200 && response;
      },
      PATIENCE,
    );
    expect(await sharp(Buffer.from(await image.arrayBuffer())).metadata()).toMatchObject({
      format: "webp",
      width: 512,
    });
    const settled = "SELECT 1 FROM auth.identities WHERE user_id = $1 AND picture_url IS NULL";
    await eventually(
      "the end of the job",
      async () => (await mesh.database.query(settled, [id])).length === 1,
      PATIENCE,
    );
  },
);
