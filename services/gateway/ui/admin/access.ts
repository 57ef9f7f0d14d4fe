import { signal } from "@preact/signals";
import type { User } from "../app/api-types.ts";
import { createResource } from "../app/resource.ts";
import { api, createApi } from "../app/session.ts";

interface Access {
  readonly user: User;
  readonly permissions: readonly string[];
}

/** The signed-in administrator and their permissions. Sections and buttons that need others are not shown. */
export const access = createResource(async () => (await api.get<Access>("auth/me")).data);

export function may(permission: string): boolean {
  return access.data.value?.permissions.includes(permission) ?? false;
}

export interface ActingTenant {
  readonly slug: string;
  readonly name: string;
}

const STORAGE_KEY = "usermesh.acting-tenant";

/** The tenant that a platform administrator works in; null for their own. Each tab remembers its own choice. */
export const actingTenant = signal<ActingTenant | null>(readStored());

export function actIn(tenant: ActingTenant | null): void {
  actingTenant.value = tenant;
  try {
    if (tenant === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(tenant));
  } catch {
    // Storage may be blocked; then the choice lasts as long as the page.
  }
}

/** The API in the tenant that the administrator works in. */
export const tenantApi = createApi(() =>
  actingTenant.value === null ? {} : ({ "X-Tenant": actingTenant.value.slug } as Record<string, string>),
);

function readStored(): ActingTenant | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
  } catch {
    return null;
  }
}
