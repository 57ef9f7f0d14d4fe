import { createBulkhead } from "../../lib/bulkhead.ts";
import { fieldError } from "../../lib/errors.ts";
import type { Platform } from "../../lib/platform.ts";
import { createPasswordHashing, type PasswordHashing } from "./password-hashing.ts";
import { checkPassword, type PasswordOwner, type PasswordRules } from "./password-policy.ts";

/** Password hashing of this process, bounded by its configuration. */
export function createPasswords({ config, ring }: Pick<Platform, "config" | "ring">): PasswordHashing {
  const { bcryptCost: cost, hashConcurrency: concurrency, hashQueue: queue } = config.auth;
  return createPasswordHashing({ ring, cost, bulkhead: createBulkhead({ concurrency, queue }) });
}

/** 422 on `field` where the policy refuses the new password. */
export function refuseBadPassword(rules: PasswordRules, field: string, password: string, owner: PasswordOwner): void {
  const refusal = checkPassword(rules, password, owner);
  if (refusal) throw fieldError(field, refusal.code, refusal.message);
}
