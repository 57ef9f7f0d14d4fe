import * as z from "zod";
import { asciiDomain } from "../runtime/domain-names.ts";

/** The field types of the public contract, with its limits. Text is stored unchanged; only addresses and URLs are trimmed. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(isStorable, { error: "must not contain control characters", params: { code: "invalid_characters" } });
const url = z
  .string()
  .trim()
  .max(500)
  .refine(isHttpUrl, { error: "must be an http or https URL", params: { code: "invalid_url" } })
  .overwrite(canonicalUrl)
  .max(500);

export const Id = z.uuid().meta({ example: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60" });
/** Language subtags (RFC 5646), the most wanted first: `["fr", "en"]`. */
export const Languages = z.array(z.string().regex(/^[a-z]{2,3}$/)).max(5);
export const Timestamp = z.iso
  .datetime({
    offset: false,
    error: "must be a time in UTC like 2026-11-20T12:00:00.000Z, in the year 9999 at the latest",
  })
  .meta({ example: "2026-11-20T12:00:00.000Z" });
/** Phones add a blank when they complete an address. */
export const Email = z
  .string()
  .trim()
  .max(254)
  .refine((value) => value.length > 254 || isEmail(value), {
    error: "must be an email address",
    params: { code: "invalid_email" },
  })
  .meta({ format: "email", example: "ada@example.com" });
export const Username = z
  .string()
  .min(3)
  .max(50)
  .regex(/^[A-Za-z0-9._-]+$/, { error: "may contain only letters, digits, dots, underscores and hyphens" });
export const FullName = text(255);
/** The password policy decides the length; this limit only prevents megabytes from being hashed. */
export const NewPassword = z.string().max(1_024).meta({ format: "password" });
export const Password = z.string().min(1).max(1_024).meta({ format: "password" });
export const TenantSlug = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
/** As long as an access token may be, so that one sent by mistake is reported as an invalid token, not as too long. */
const token = z.string().min(1).max(8_192);
export const OneTimeToken = token;
export const RefreshTokenText = token;
export const Text = { 20: text(20), 100: text(100), 255: text(255), 2000: text(2_000) };
export const PushToken = text(4_096);
export const Url = url;
/** ITU-T E.164: at most 15 digits. */
export const Phone = z
  .string()
  .regex(/^\+[1-9]\d{1,14}$/, { error: "must be a phone number like +491701234567" })
  .max(20);
export const TextList = z.array(text(100)).max(50);
/**
 * Any JSON value. OpenAPI describes it without the recursion of `z.json()`, of which generators make types that refer to
 * themselves.
 */
export const JsonValue = z
  .custom<z.core.util.JSONType>((value) => z.json().safeParse(value).success, { error: "must be JSON" })
  .meta({ id: "JsonValue", description: "Any JSON value", override: {} });
export const Empty = z.strictObject({});

/** Query parameters of a list. `page` counts from 1. */
export const Limit = z.coerce.number().int().min(1).max(100).default(20);
export const PageNumber = z.coerce.number().int().min(1).max(1_000_000).default(1);
export const Cursor = z.string().max(200).optional();

/** One page of a list: `total` is null if counting costs too much, `page` if the list has no page numbers. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    total: z.int().nullable(),
    page: z.int().nullable(),
    limit: z.int(),
    next_cursor: z.string().nullable(),
  });
}

/** Refuses lone surrogates, and control characters except tab and line breaks: they break headers, logs, CSV and UTF-8. */
function isStorable(value: string): boolean {
  return value.isWellFormed() && !/(?![\t\n\r])\p{Cc}/u.test(value);
}

/** RFC 5321's Dot-string and the name of a host. Rejects quoted local parts and address literals. */
export function isEmail(value: string): boolean {
  const [local, domain, ...more] = value.split("@");
  if (local === undefined || domain === undefined || more.length > 0) return false;
  if (!value.isWellFormed() || /[\s\p{Cc}\p{Cf}"(),:;<>\\[\]]/u.test(value)) return false;
  const ascii = asciiDomain(domain);
  // As the mail server gets it. RFC 5321 section 4.5.3.1: 64 octets, and 256 of the path with its angle brackets.
  const octets = Buffer.byteLength(local);
  return ascii !== null && octets <= 64 && octets + 1 + ascii.length <= 254 && isDotted(local);
}

function isDotted(value: string): boolean {
  return value.split(".").every((label) => label.length > 0);
}

/** Where the parser has forgiven a line end, a backslash or a missing slash, other programs may read another URL. */
function canonicalUrl(value: string): string {
  return /^https?:\/\/[^\s\\/][^\s\\]*$/i.test(value) || !isHttpUrl(value) ? value : new URL(value).href;
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && isStorable(value);
}
