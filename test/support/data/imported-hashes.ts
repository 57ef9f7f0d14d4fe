import { pbkdf2Sync } from "node:crypto";
import bcrypt from "bcrypt";

/** Iterations of the slowest one: many times the bcrypt of the tests. */
export const SLOW_ITERATIONS = 1_000_000;

function pbkdf2(iterations: number): string {
  return `pbkdf2_sha256$${iterations}$seasalt$${pbkdf2Sync("x", "seasalt", iterations, 32, "sha256").toString("base64")}`;
}

/** Hashes of other systems of the password `x`: a fast one, a slow one and a bcrypt of low cost. */
export const importedHashes = {
  fast: pbkdf2(1),
  slow: pbkdf2(SLOW_ITERATIONS),
  cheap: bcrypt.hashSync("x", 4),
};
