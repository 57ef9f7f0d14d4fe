import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import { type KeyRing, UnknownKeyError } from "../../../lib/crypto/key-ring.ts";
import {
  type Profile,
  type ProfileChange,
  profileFields,
  sealedProfileFields,
} from "../contract/users-shapes.contract.ts";
import type { ProfileRow } from "../users.entities.ts";

export type ProfileView = z.output<typeof Profile>;
type FieldName = keyof typeof profileFields;
type Fields = Partial<Pick<ProfileView, FieldName>>;

const fieldNames = Object.keys(profileFields) as FieldName[];

export function emptyProfile(userId: string, since: Date): ProfileRow {
  return { user_id: userId, fields: {}, sealed: null, updated_at: since };
}

export function viewProfile(ring: KeyRing, { user_id, fields, sealed, updated_at }: ProfileRow): ProfileView {
  const given = { ...fields, ...openSealed(ring, user_id, sealed) };
  return { user_id, ...withUnsetFields(given), updated_at: updated_at.toISOString() };
}

/** Adds the fields that are not given: a list as an empty list, any other field as null. */
export function withUnsetFields(given: Fields | z.output<typeof ProfileChange>): Pick<ProfileView, FieldName> {
  const all = fieldNames.map((name) => [name, given[name] ?? (profileFields[name].type === "array" ? [] : null)]);
  return Object.fromEntries(all) as Pick<ProfileView, FieldName>;
}

/** Leaves out the fields that are null or an empty list. */
export function givenFields(profile: Fields): Fields {
  const given = fieldNames.filter((name) => profile[name] != null && !isEmptyList(profile[name]));
  return Object.fromEntries(given.map((name) => [name, profile[name]]));
}

export function toProfileRow(ring: KeyRing, userId: string, profile: Fields, updatedAt: Date): ProfileRow {
  const given = Object.entries(givenFields(profile));
  const isSealed = ([name]: [string, unknown]) => Object.hasOwn(sealedProfileFields, name);
  return {
    user_id: userId,
    fields: Object.fromEntries(given.filter((entry) => !isSealed(entry))),
    sealed: seal(ring, userId, Object.fromEntries(given.filter(isSealed))),
    updated_at: updatedAt,
  };
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The sealed text under the active key. */
export function reseal(
  ring: KeyRing,
  { user_id, sealed }: { readonly user_id: string; readonly sealed: string },
): string {
  return ring.seal("data", ring.open("data", sealed, binding(user_id)), binding(user_id));
}

const binding = (rowId: string) => ({ table: "users.profiles", column: "sealed", rowId });

function seal(ring: KeyRing, userId: string, fields: Fields): string | null {
  if (Object.keys(fields).length === 0) return null;
  return ring.seal("data", JSON.stringify(fields), binding(userId));
}

function openSealed(ring: KeyRing, userId: string, sealed: string | null): Fields {
  if (sealed === null) return {};
  try {
    return JSON.parse(ring.open("data", sealed, binding(userId)).toString()) as Fields;
  } catch (cause) {
    if (cause instanceof UnknownKeyError) throw new AppError("service_unavailable", { retry_after: 1, cause });
    throw cause;
  }
}
