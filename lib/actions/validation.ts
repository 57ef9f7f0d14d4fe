import type * as z from "zod";
import { AppError, type FieldError } from "./errors.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** A body with thousands of unknown keys must not get an even longer response. */
const MAX_ERRORS = 100;

/** A 422 with Zod's issues. `input` is the validated value, `prefix` its path in the body. */
export function validationError(issues: readonly Issue[], input: unknown, prefix: Path = []): AppError {
  return new AppError("validation_failed", { errors: fieldErrors(issues, input, prefix) });
}

/** One entry per issue: the dotted path of the field, a stable code and a text. */
export function fieldErrors(issues: readonly Issue[], input: unknown, prefix: Path = []): FieldError[] {
  return issues.flatMap((issue) => toFieldErrors(issue, input, prefix)).slice(0, MAX_ERRORS);
}

function toFieldErrors(issue: Issue, input: unknown, prefix: Path): FieldError[] {
  const field = (path: Path) => [...prefix, ...path].map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: field([...issue.path, key]),
      code: "unknown_field",
      message: "is not a known field",
    }));
  }
  const missing = issue.code !== "custom" && valueAt(input, issue.path) === undefined;
  const [code, message] = missing ? ["required", "is required"] : codeAndText(issue);
  return [{ field: field(issue.path), code, message }];
}

function codeAndText(issue: Issue): [code: string, message: string] {
  switch (issue.code) {
    case "invalid_type":
      return ["invalid_type", `must be ${typeText(issue.expected)}`];
    case "too_small":
      return isSized(issue.origin)
        ? ["too_short", `must have at least ${amount(issue.minimum, issue.origin)}`]
        : ["too_small", `must be at least ${issue.minimum}`];
    case "too_big":
      return isSized(issue.origin)
        ? ["too_long", `must have at most ${amount(issue.maximum, issue.origin)}`]
        : ["too_big", `must be at most ${issue.maximum}`];
    case "invalid_format":
      return [
        "invalid_format",
        ownMessage(issue) ?? `is not a valid ${issue.format === "regex" ? "value" : issue.format}`,
      ];
    case "invalid_value":
      return ["invalid_value", ownMessage(issue) ?? `must be one of ${issue.values.map(String).join(", ")}`];
    case "custom":
      return [customCode(issue.params), ownMessage(issue) ?? "is not valid"];
    default:
      return ["invalid_value", ownMessage(issue) ?? "is not valid"];
  }
}

function isSized(origin: string): boolean {
  return ["string", "array", "set", "map", "file"].includes(origin);
}

function amount(count: number | bigint, origin: string): string {
  const [one, many] = origin === "string" ? ["character", "characters"] : ["entry", "entries"];
  return `${count} ${Number(count) === 1 ? one : many}`;
}

function typeText(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: "text",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    object: "an object",
    record: "an object",
    null: "null",
  };
  return words[expected] ?? `a ${expected}`;
}

/** The message that the schema defines, if any; Zod's default messages begin with one of these words. */
function ownMessage({ message }: Issue): string | undefined {
  return /^(Invalid|Too |Unrecognized)/.test(message) ? undefined : message;
}

function customCode(params: Record<string, unknown> | undefined): string {
  return typeof params?.code === "string" ? params.code : "invalid_value";
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
}
