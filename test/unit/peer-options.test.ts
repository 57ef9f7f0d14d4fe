import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { joinMesh } from "../../clients/moleculer/index.js";

const root = join(import.meta.dirname, "../..");
const services = readdirSync(join(root, "services"));
const workers = readdirSync(join(root, "workers")).map((file) => `worker-${file.replace(".worker.ts", "")}`);

test.each([...services, ...workers])(
  "no peer can join as %s, whose permissions and events it would get",
  async (name) => {
    await expect(joinMesh({ name, natsUrl: "" })).rejects.toThrow("is a service of Usermesh");
  },
);

test.each(["localhost:4222", "127.0.0.1:4222", "not a url", "nats://jobs:50%@host", "nats://host,"])(
  "the address %s is refused, and not shown because it may contain a password",
  async (natsUrl) => {
    const joining = joinMesh({ name: "jobs", natsUrl });
    await expect(joining).rejects.toThrow(/^NATS_URL must be nats:\/\/user:password@host:4222, or several of them\.$/);
  },
);
