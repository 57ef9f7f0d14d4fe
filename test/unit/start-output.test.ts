import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { banner } from "../../scripts/run/banner.ts";
import { describePort, withAppPort } from "../../scripts/run/port.ts";
import { waitForNats } from "../../scripts/run/ready.ts";
import { counted } from "../../scripts/run/terminal.ts";

const start = { urls: ["http://localhost:3001"], admin: undefined, hasMailbox: false, servers: [] };

test("the table of a start names the port that is in use", async () => {
  const blocker = createServer().listen(3_000, "127.0.0.1");
  // If another program has the port, it is in use as well.
  await Promise.race([once(blocker, "listening"), once(blocker, "error")]).catch(() => undefined);
  try {
    const used = Number((await withAppPort({})).APP_PORT);
    expect(used).toBeGreaterThan(3_000);
    const text = banner({ ...start, port: describePort({}, used) });
    expect(text).toMatch(new RegExp(`Port +3000 is in use: using ${used} \\(APP_PORT\\)`));
  } finally {
    blocker.close();
  }
});

test("the table of a start on the expected port says nothing about it", () => {
  expect(describePort({ APP_PORT: "4000" }, 4_000)).toBeUndefined();
  expect(describePort({ APP_PORT: "0" }, 51_234)).toBeUndefined();
  expect(banner(start)).not.toContain("Port");
});

test("NATS that nobody serves is named without its password, and with what to do", async () => {
  const port = await findFreePort();
  const lines: string[] = [];
  const waiting = waitForNats(
    { nats: { url: `nats://bus:secret@127.0.0.1:${port}` } },
    (line) => lines.push(line),
    300,
  );
  const where = `127\\.0\\.0\\.1:${port}`;
  await expect(waiting).rejects.toThrow(
    new RegExp(`^NATS at ${where} can't be reached after 0.3 s: \\w+\\. Start it, correct NATS_URL, or unset`),
  );
  expect(lines).toEqual([`NATS: NATS_URL, 127.0.0.1:${port}`]);
});

test("counts have the singular", () => {
  expect([0, 1, 2].map((count) => counted(count, "account"))).toEqual(["0 accounts", "1 account", "2 accounts"]);
});
