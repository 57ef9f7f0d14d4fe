import type { FormValues } from "../../components/form.ts";

/** The name of a role's checkbox. The prefix keeps a role called `email` apart from the field of that name. */
export function roleField(role: string): string {
  return `role-${role}`;
}

export function chosenRoles(roles: readonly string[], values: FormValues): string[] {
  return roles.filter((role) => values[roleField(role)] === true);
}
