import { existsSync } from "node:fs";
import { type FileHandle, link, open, rm } from "node:fs/promises";
import type { Actions, Call } from "../../lib/actions/typed-call.ts";
import type { HashReader } from "../../services/auth/transfer/export-hashes.ts";

export interface ExportOptions {
  readonly file: string;
  readonly call: Call;
  /** Undefined: all tenants. */
  readonly tenant?: string | undefined;
  /** Undefined: without password hashes. */
  readonly hashes?: HashReader | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (accounts: number) => void;
}

type Account = Actions["users.exportAccounts"]["result"]["accounts"][number];
type Position = Actions["users.exportAccounts"]["params"]["after"];

/**
 * Streams accounts to a file for `npm run import`. The file appears when it is complete; an existing one is not
 * overwritten. Resolves to the number of accounts.
 */
export async function exportFile(options: ExportOptions): Promise<number> {
  const draft = `${options.file}.part`;
  assertNew(options.file, draft);
  const out = await open(draft, "wx", 0o600);
  try {
    const count = await writePages(options, out);
    await out.datasync();
    await out.close();
    // Unlike rename(), it fails if the file exists.
    await link(draft, options.file);
    return count;
  } finally {
    await out.close();
    await rm(draft, { force: true });
  }
}

/** Before the accounts are read, which can take minutes. */
function assertNew(file: string, draft: string): void {
  if (existsSync(file)) throw new Error(`${file} exists already, and is not overwritten. Name another file.`);
  if (existsSync(draft)) throw new Error(`${draft} exists: another export is writing it. If none runs, delete it.`);
}

async function writePages(options: ExportOptions, out: FileHandle): Promise<number> {
  let count = 0;
  for (let after: Position = null; ; ) {
    options.signal.throwIfAborted();
    const { lines, next } = await readPage(options, after);
    if (lines.length > 0) await out.appendFile(`${lines.join("\n")}\n`);
    count += lines.length;
    options.onProgress(count);
    if (!next) return count;
    after = next;
  }
}

async function readPage({ call, tenant, hashes }: ExportOptions, after: Position) {
  const page = await call("users.exportAccounts", { ...(tenant !== undefined && { tenant }), after });
  const ids = page.accounts.map(({ id }) => id);
  const [overrides, linked, passwords] = await Promise.all([
    call("preferences.exportOverrides", { user_ids: ids }),
    call("auth.exportIdentities", { user_ids: ids }),
    hashes?.read(ids),
  ]);
  const identities = new Map(linked.accounts.map((one) => [one.user_id, one.identities]));
  const preferences = new Map(overrides.preferences.map((one) => [one.user_id, one.preferences]));
  const lines = page.accounts.map((account) => {
    const password_hash = passwords?.get(account.id);
    return JSON.stringify({
      ...toLine(account, preferences.get(account.id)),
      ...(identities.has(account.id) && { identities: identities.get(account.id) }),
      ...(password_hash && { password_hash }),
    });
  });
  return { lines, next: page.next };
}

/** Without nulls and default settings. */
function toLine({ privacy_profile, privacy_location, ...account }: Account, overrides: object | undefined): object {
  const preferences = {
    ...overrides,
    ...(privacy_profile !== "public" && { privacy_profile }),
    ...(!privacy_location && { privacy_location }),
  };
  const filled = Object.entries(account).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(filled), ...(Object.keys(preferences).length > 0 && { preferences }) };
}
