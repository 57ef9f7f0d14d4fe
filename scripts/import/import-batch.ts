import type { Call } from "../../lib/actions/typed-call.ts";
import { type ImportLine, invalid, type Refused } from "./line-format.ts";

export interface Entry {
  readonly line: number;
  /** Of the new account. */
  readonly id: string;
  readonly value: ImportLine;
}

export interface BatchOutcome {
  readonly imported: readonly Entry[];
  readonly refused: readonly Refused[];
}

interface Refusal {
  readonly id: string;
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Sends credentials, identities and preferences first, then the accounts, which is the commit point. May be repeated with the same
 * ids after any failure: an account that exists counts as imported, and nothing is sent for it again.
 */
export async function importBatch(call: Call, batch: string, entries: readonly Entry[]): Promise<BatchOutcome> {
  const refusals: Refusal[] = [];
  const { imported, refused } = await call("users.importable", { accounts: entries.map(toKey) });
  refusals.push(...refused);
  const pending = without(entries, [...imported, ...idsOf(refusals)]);
  const sent = await Promise.all([
    sendHashes(call, pending),
    sendPreferences(call, pending),
    sendIdentities(call, pending),
  ]);
  refusals.push(...sent.flat());
  const ready = without(pending, idsOf(refusals));
  if (ready.length > 0)
    refusals.push(...(await call("users.import", { batch, accounts: ready.map(toAccount) })).refused);
  return {
    imported: without(entries, idsOf(refusals)),
    refused: entries.flatMap((entry) =>
      toRefused(
        entry,
        refusals.filter(({ id }) => id === entry.id),
      ),
    ),
  };
}

const idsOf = (refusals: readonly Refusal[]): string[] => refusals.map(({ id }) => id);

function without(entries: readonly Entry[], ids: readonly string[]): Entry[] {
  const excluded = new Set(ids);
  return entries.filter(({ id }) => !excluded.has(id));
}

function toKey({ id, value: { tenant, email, username, external_id } }: Entry) {
  return { id, tenant, email, username, external_id };
}

/** `users` stores the visibility settings, since searches read them there. */
function toAccount({ id, value }: Entry) {
  const { id: _, preferences, password_hash: __, identities: ___, ...account } = value;
  const { privacy_profile: profile, privacy_location: location } = preferences ?? {};
  return {
    id,
    ...account,
    ...(profile != null && { privacy_profile: profile }),
    ...(location != null && { privacy_location: location }),
  };
}

async function sendHashes(call: Call, entries: readonly Entry[]): Promise<Refusal[]> {
  const credentials = entries.flatMap(({ id, value: { password_hash } }) =>
    password_hash ? [{ user_id: id, password_hash }] : [],
  );
  return credentials.length === 0 ? [] : (await call("auth.importCredentials", { credentials })).refused;
}

async function sendPreferences(call: Call, entries: readonly Entry[]): Promise<Refusal[]> {
  const preferences = entries.flatMap(({ id, value }) =>
    value.preferences ? [{ user_id: id, preferences: value.preferences }] : [],
  );
  return preferences.length === 0 ? [] : (await call("preferences.import", { preferences })).refused;
}

async function sendIdentities(call: Call, entries: readonly Entry[]): Promise<Refusal[]> {
  const accounts = entries.flatMap(({ id, value: { tenant, identities } }) =>
    identities && identities.length > 0 ? [{ user_id: id, tenant, identities }] : [],
  );
  return accounts.length === 0 ? [] : (await call("auth.importIdentities", { accounts })).refused;
}

const accountCodes = new Set(["email_taken", "username_taken", "tenant_limit_reached", "unknown_tenant"]);

function toRefused({ line }: Entry, refusals: readonly Refusal[]): Refused[] {
  const [first] = refusals;
  if (!first) return [];
  if (accountCodes.has(first.code)) return [{ line, code: first.code, message: first.message }];
  return [{ line, ...invalid(refusals.map(({ id: _, ...error }) => error)).refused }];
}
