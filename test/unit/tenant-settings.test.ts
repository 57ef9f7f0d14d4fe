import { expect, test } from "@jest/globals";
import { effectiveSettings, mayRegister } from "../../services/users/tenants/tenant-settings.ts";

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
    registration: "open",
    registration_domains: [],
    upgrade: "self",
  });
});

test.each([
  ["open", "ada@anywhere.example", true],
  ["invited", "ada@corp.example", false],
  ["domains", "ada@corp.example", true],
  ["domains", "ada@CORP.example", true],
  ["domains", "ada@b\u00fccher.example", true],
  ["domains", "ada@sub.corp.example", false],
  ["domains", "ada@corp.example.org", false],
  ["domains", "ada@evilcorp.example", false],
  ["domains", "corp.example@evil.example", false],
] as const)("registration %s: %s may register: %s", (registration, email, expected) => {
  const registration_domains = ["corp.example", "xn--bcher-kva.example"];
  expect(mayRegister({ registration, registration_domains }, email)).toBe(expected);
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
