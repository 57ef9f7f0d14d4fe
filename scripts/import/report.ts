import { open } from "node:fs/promises";
import type { Refused } from "./line-format.ts";

/** The lines that were left out, as NDJSON. It quotes nothing of them: they are personal. */
export interface Report {
  /** Resolves to its length in bytes once they are on the disk. */
  append(refused: readonly Refused[]): Promise<number>;
  close(): Promise<void>;
}

/** Goes on behind the first `bytes`: what a killed run has written beyond them comes again. */
export async function openReport(path: string, bytes: number): Promise<Report> {
  const file = await open(path, bytes === 0 ? "w" : "r+", 0o600);
  await file.truncate(bytes);
  let end = bytes;
  return {
    async append(refused) {
      if (refused.length === 0) return end;
      const text = Buffer.from(refused.map((one) => `${JSON.stringify(one)}\n`).join(""));
      await file.write(text, 0, text.length, end);
      await file.datasync();
      end += text.length;
      return end;
    },
    close: () => file.close(),
  };
}
