import { expect, test } from "@jest/globals";
import { effectiveSettings } from "../../services/users/tenants/tenant-settings.ts";

const installation = {
  passwordPolicy: "classic",
  accessTokenSeconds: 1_800,
  refreshIdleSeconds: 7 * 86_400,
  sessionMaxSeconds: 30 * 86_400,
} as const;

test("a tenant without settings has those of the installation", () => {
  expect(effectiveSettings(installation, {})).toEqual({
    password_policy: "classic",
    access_token_seconds: 1_800,
    refresh_idle_seconds: 604_800,
    session_max_seconds: 2_592_000,
    max_users: null,
  });
});

test("a tenant's older settings cannot undercut a stricter installation", () => {
  const stricter = {
    passwordPolicy: "nist",
    accessTokenSeconds: 60,
    refreshIdleSeconds: 86_400,
    sessionMaxSeconds: 86_400,
  } as const;
  const chosen = {
    password_policy: "length",
    access_token_minutes: 30,
    refresh_token_days: 7,
    session_max_days: 30,
  } as const;
  expect(effectiveSettings(stricter, chosen)).toEqual({ ...effectiveSettings(stricter, {}), max_users: null });
});
