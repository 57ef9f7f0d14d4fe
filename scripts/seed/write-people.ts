import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import bcrypt from "bcrypt";
import { createPerson } from "./people.ts";

/** Of all demonstration accounts, so that one can sign in as any of them. */
export const DEMO_PASSWORD = "Demonstration-1";

interface PeopleOptions {
  readonly count: number;
  readonly seed: number;
  /** bcrypt cost of their common password hash. */
  readonly hashCost: number;
}

/** Writes lines for `npm run import`, the same for the same seed. */
export async function writePeople(file: string, { count, seed, hashCost }: PeopleOptions): Promise<void> {
  const hash = await bcrypt.hash(DEMO_PASSWORD, saltOf(seed, hashCost));
  const out = createWriteStream(file, { flags: "wx", mode: 0o600 });
  for (let number = 1; number <= count; number += 1) {
    if (!out.write(`${JSON.stringify(createPerson(seed, number, hash))}\n`)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

/** 22 characters of bcrypt's alphabet; the last one carries 2 bits. */
function saltOf(seed: number, cost: number): string {
  const digest = createHash("sha256").update(`usermesh-seed-${seed}`).digest("base64").replace(/[+=]/g, ".");
  return `$2b$${String(cost).padStart(2, "0")}$${digest.slice(0, 21)}.`;
}
