import type { Middleware } from "moleculer";
import type { Caller, UserCaller } from "../../lib/actions/caller.ts";
import type { Access, ActionDef } from "../../lib/actions/contract.ts";
import { AppError, type ErrorCode } from "../../lib/actions/errors.ts";
import type { PermissionsOfService } from "../../lib/actions/service-permissions.ts";
import { definitionOf } from "../../lib/actions/typed-call.ts";
import type { Clock } from "../../lib/runtime/clock.ts";
import { wrapActions } from "./wrap-action.ts";

interface AccessOptions {
  readonly clock: Clock;
  readonly permissionsOf: PermissionsOfService;
  readonly find?: (name: string) => ActionDef | undefined;
}

/** Checks on the called node who may call an action, for remote and local calls alike. */
export function accessMiddleware({ clock, permissionsOf, find = definitionOf }: AccessOptions): Middleware {
  return wrapActions("Access", (next, action) => {
    const access = find(action)?.access;
    if (!access) return next;
    return async (ctx) => {
      const error = findAccessError(access, ctx.meta.caller, clock, permissionsOf);
      if (error) throw new AppError(error, explainRefusal(access, action, ctx.meta.caller));
      return next(ctx);
    };
  });
}

/** Tells operators which callers the action accepts, and services which permission they lack. Users are told neither. */
function explainRefusal(access: Access, action: string, caller: Caller | undefined): { message?: string } {
  const { callers, permission } = access;
  if (caller?.kind === "operator")
    return { message: `${action} is not for operators: "operator" is not among its callers (${callers.join(", ")}).` };
  if (caller?.kind !== "service" || !callers.includes("service")) return {};
  const missing = `the permission "${permission}", which SERVICE_PERMISSIONS does not grant to "${caller.name}"`;
  return { message: `${action} needs ${missing}.` };
}

/** The error code for a caller who may not call the action, otherwise undefined. */
export function findAccessError(
  access: Access,
  caller: Caller | undefined,
  clock: Clock,
  permissionsOf: PermissionsOfService,
): ErrorCode | undefined {
  const kind = caller?.kind ?? "anonymous";
  if (!access.callers.includes(kind))
    return kind === "anonymous" && access.callers.includes("user") ? "token_missing" : "forbidden";
  if (caller?.kind === "operator") return undefined;
  if (access.permission !== undefined && !holds(access.permission, caller, permissionsOf))
    return kind === "anonymous" ? "token_missing" : "forbidden";
  if (caller?.kind === "user" && !isPremium(access, caller)) return "premium_required";
  return caller?.kind === "user" && !isRecentlyAuthenticated(access, caller, clock) ? "step_up_required" : undefined;
}

function holds(permission: string, caller: Caller | undefined, permissionsOf: PermissionsOfService): boolean {
  if (caller?.kind === "user") return caller.permissions.includes(permission);
  return caller?.kind === "service" && permissionsOf(caller.name).has(permission);
}

function isPremium({ premiumOr }: Access, { tier, permissions }: UserCaller): boolean {
  return premiumOr === undefined || tier === "premium" || permissions.includes(premiumOr);
}

function isRecentlyAuthenticated({ fresh }: Access, { auth_time }: UserCaller, clock: Clock): boolean {
  return fresh === undefined || clock.now().getTime() / 1_000 - auth_time <= fresh;
}
