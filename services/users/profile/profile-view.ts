import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import { type KeyRing, UnknownKeyError } from "../../../lib/crypto/key-ring.ts";
import type { Profile } from "../contract/users-shapes.contract.ts";
import type { ProfileRow } from "../users.entities.ts";

export type ProfileView = z.output<typeof Profile>;

/** What is personal beyond a name is encrypted at rest, both in one column: it tells not even which of them is there. */
interface Sealed {
  readonly phone: string | null;
  readonly date_of_birth: string | null;
}

export function emptyProfile(userId: string, since: Date): ProfileRow {
  return {
    user_id: userId,
    sealed: null,
    gender: null,
    industry: null,
    years_of_experience: null,
    skills: [],
    education: [],
    experience: [],
    languages: [],
    linkedin_url: null,
    github_url: null,
    website_url: null,
    headline: null,
    updated_at: since,
  };
}

export function viewProfile(ring: KeyRing, row: ProfileRow): ProfileView {
  const { sealed, updated_at, ...open } = row;
  return { ...open, ...openSealed(ring, row.user_id, sealed), updated_at: updated_at.toISOString() } as ProfileView;
}

export function toRow(ring: KeyRing, profile: ProfileView, updatedAt: Date): ProfileRow {
  const { phone, date_of_birth, ...open } = profile;
  return { ...open, sealed: seal(ring, profile.user_id, { phone, date_of_birth }), updated_at: updatedAt };
}

/** The same under the active key. */
export function resealed(
  ring: KeyRing,
  { user_id, sealed }: { readonly user_id: string; readonly sealed: string },
): string {
  return ring.seal("data", ring.open("data", sealed, binding(user_id)), binding(user_id));
}

const binding = (rowId: string) => ({ table: "users.profiles", column: "sealed", rowId });

function seal(ring: KeyRing, userId: string, value: Sealed): string | null {
  if (value.phone === null && value.date_of_birth === null) return null;
  return ring.seal("data", JSON.stringify(value), binding(userId));
}

function openSealed(ring: KeyRing, userId: string, sealed: string | null): Sealed {
  if (sealed === null) return { phone: null, date_of_birth: null };
  try {
    return JSON.parse(ring.open("data", sealed, binding(userId)).toString()) as Sealed;
  } catch (cause) {
    if (cause instanceof UnknownKeyError) throw new AppError("service_unavailable", { retry_after: 1, cause });
    throw cause;
  }
}
