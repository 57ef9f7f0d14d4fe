import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import bcrypt from "bcrypt";
import { newEmail, runImport, written } from "../../support/data/import.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase } from "../../support/start/database.ts";
import { startUsermesh } from "../../support/start/usermesh.ts";

const PEOPLE = 40;

test("a service that stops finishes the imported hash that it is wrapping, and logs no failure", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "hash-upgrade-"));
  const database = await createTestDatabase();
  try {
    const usermesh = await startUsermesh({
      DATABASE_URL: database.url,
      // Slow enough for the stop to come in the middle.
      PASSWORD_HASH_COST: "11",
      LOG_LEVEL: "info",
      LOG_FILE: join(folder.path, "usermesh.log"),
    });
    const password_hash = bcrypt.hashSync("Difference-Engine-1", 4);
    await runImport(
      usermesh,
      await written(Array.from({ length: PEOPLE }, () => ({ email: newEmail(), password_hash }))),
    );
    const weak = async () => {
      const sql = "SELECT count(*)::int AS n FROM auth.credentials WHERE secret LIKE 'foreign%'";
      return (await database.query<{ n: number }>(sql))[0]?.n ?? 0;
    };
    await eventually("the first wrapped hash", async () => (await weak()) < PEOPLE);
    await usermesh.stop();
    expect(await weak()).toBeGreaterThan(0);
    // As long as the next hash would take.
    await sleep(1_000);
    const files = await Promise.all(
      (await readdir(folder.path)).map((name) => readFile(join(folder.path, name), "utf8")),
    );
    expect(files.join("")).toContain('"level":"info"');
    expect(files.join("")).not.toContain("password hash");
  } finally {
    await database.drop();
  }
});
