import { open } from "node:fs/promises";
import type { Refused } from "./line-format.ts";

/** The refused lines as NDJSON. It does not quote them, since they are personal data. */
export interface Report {
  /** Resolves to the length of the report in bytes once they are synced to disk. */
  append(refused: readonly Refused[]): Promise<number>;
  close(): Promise<void>;
}

/** Truncates to `bytes` and appends: anything that a killed run wrote after its checkpoint is written again. */
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
