import { describe, expect, test } from "@jest/globals";
import { readConfig } from "../../../lib/config/config.ts";
import { linkTo } from "../../../services/mail/messages/compose.ts";
import type { LinkKind } from "../../../services/mail/messages/mail-kinds.ts";

const token = "v1.a_b-c";
const link = (env: Readonly<Record<string, string>>, kind: LinkKind, tenant: string | null = null) =>
  linkTo(readConfig(env).http, { kind, token, tenant });

describe.each([
  ["PASSWORD_RESET_URL", "reset_password"],
  ["RESET_URL", "invite"],
  ["EMAIL_VERIFICATION_URL", "verify_email"],
  ["VERIFY_URL", "change_email"],
] as const)("with %s, the link of %s", (name, kind) => {
  test.each([
    ["https://app.example.com/page", "https://app.example.com/page?token=v1.a_b-c"],
    ["https://app.example.com/page/", "https://app.example.com/page?token=v1.a_b-c"],
    ["https://app.example.com/page?lang=de", "https://app.example.com/page?lang=de&token=v1.a_b-c"],
    ["https://app.example.com/page?back=/", "https://app.example.com/page?back=%2F&token=v1.a_b-c"],
    ["https://app.example.com/#/page", "https://app.example.com/#/page?token=v1.a_b-c"],
    ["https://app.example.com/#/", "https://app.example.com/#/?token=v1.a_b-c"],
    ["https://app.example.com/#!/page?lang=de", "https://app.example.com/#!/page?lang=de&token=v1.a_b-c"],
    ["https://app.example.com/page#top", "https://app.example.com/page?token=v1.a_b-c#top"],
  ])("to %s is %s", (page, expected) => {
    expect(link({ [name]: page }, kind)).toBe(expected);
  });
});

describe("without a page of the application, the link opens our own", () => {
  const own = { PUBLIC_URL: "https://accounts.example.com/auth/" };

  test.each([
    ["reset_password", "https://accounts.example.com/auth/reset-password"],
    ["invite", "https://accounts.example.com/auth/reset-password"],
    ["verify_email", "https://accounts.example.com/auth/api/v1/auth/verify-email"],
    ["change_email", "https://accounts.example.com/auth/api/v1/auth/verify-email"],
  ] as const)("for %s: %s", (kind, page) => {
    expect(link(own, kind)).toBe(`${page}#token=${token}`);
    expect(link(own, kind, "acme")).toBe(`${page}?tenant=acme#token=${token}`);
  });
});
