import { fieldError } from "../../../lib/actions/errors.ts";
import { createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { BreachedPasswords } from "./breached-passwords.ts";
import { createPasswordHashing, type PasswordHashing } from "./password-hashing.ts";
import {
  findPolicyViolation,
  type PasswordOwner,
  type PasswordRules,
  type PolicyViolation,
} from "./password-policy.ts";

/** Password hashing of this process, bounded by its configuration. */
export function createPasswords({ config, ring }: Pick<Platform, "config" | "ring">): PasswordHashing {
  const { cost, concurrency, queue } = config.auth.passwordHash;
  return createPasswordHashing({ ring, cost, bulkhead: createBulkhead({ concurrency, queue }) });
}

interface NewPassword {
  /** Where it stands in the body. */
  readonly field: string;
  readonly password: string;
  readonly owner: PasswordOwner;
}

/** 422 on its field where the policy refuses the new password, or it is known to be stolen. */
export async function assertPasswordAllowed(
  { breached }: { readonly breached: BreachedPasswords },
  rules: PasswordRules,
  { field, password, owner }: NewPassword,
): Promise<void> {
  const refusal = findPolicyViolation(rules, password, owner) ?? ((await breached.includes(password)) ? stolen : null);
  if (refusal) throw fieldError(field, refusal.code, refusal.message);
}

const stolen: PolicyViolation = {
  code: "password_breached",
  message: "This password has appeared in a data breach. Choose a different one.",
};
