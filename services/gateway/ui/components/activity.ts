import { hasMessage, messagesUnder, t } from "../app/messages.ts";
import type { IconName } from "./icons.ts";

const icons: Readonly<Record<string, IconName>> = {
  session: "devices",
  sign_in: "lock",
  password: "lock",
  password_reset: "lock",
  identity: "link",
  preferences: "sliders",
  token: "alert",
  refresh_token: "alert",
  access_token: "alert",
  role: "shield",
  tenant: "building",
  webhook: "send",
  signing_key: "key",
  dead_letters: "layers",
};

export function activityIcon(action: string): IconName {
  return icons[action.split(".")[0] ?? ""] ?? "user";
}

/** The text of an action of the activity log. One that has no text yet is shown by its name. */
export function describeActivity(action: string): string {
  const key = `activity.${action}`;
  return hasMessage(key) ? t(key) : action.replaceAll(/[._]/g, " ");
}

/** The actions that have a text, in the order of their texts. */
export function activityActions(): string[] {
  const actions = messagesUnder("activity.").filter((action) => action.includes("."));
  return actions.toSorted((one, other) => describeActivity(one).localeCompare(describeActivity(other)));
}
