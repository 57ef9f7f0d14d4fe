import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import * as field from "../../lib/actions/schemas.ts";
import { fieldErrors } from "../../lib/actions/validation.ts";

const schema = z.strictObject({
  name: z.string().min(2).max(4),
  age: z.int().min(18).max(99),
  colour: z.enum(["red", "green"]),
  id: z.uuid(),
  email: field.Email,
  tags: z.array(z.string().max(3)).min(1).max(2),
  home: z.strictObject({ zip: z.string() }),
});
const good = {
  name: "Ada",
  age: 36,
  colour: "red",
  id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60",
  email: "ada@example.com",
  tags: ["a"],
  home: { zip: "1" },
};

function found(change: object): string[] {
  const input = { ...good, ...change };
  const parsed = schema.safeParse(input);
  return parsed.success ? [] : fieldErrors(parsed.error.issues, input).map(({ field, code }) => `${field}: ${code}`);
}

describe("validation errors", () => {
  test.each([
    [{ name: undefined }, "name: required"],
    [{ colour: undefined }, "colour: required"],
    [{ email: undefined }, "email: required"],
    [{ home: {} }, "home.zip: required"],
    [{ name: 1 }, "name: invalid_type"],
    [{ name: null }, "name: invalid_type"],
    [{ age: 36.5 }, "age: invalid_type"],
    [{ home: [] }, "home: invalid_type"],
    [{ name: "A" }, "name: too_short"],
    [{ name: "Ada L" }, "name: too_long"],
    [{ tags: [] }, "tags: too_short"],
    [{ tags: ["a", "b", "c"] }, "tags: too_long"],
    [{ tags: ["a", "long"] }, "tags.1: too_long"],
    [{ age: 17 }, "age: too_small"],
    [{ age: 100 }, "age: too_big"],
    [{ colour: "blue" }, "colour: invalid_value"],
    [{ id: "1" }, "id: invalid_format"],
    [{ email: "ada" }, "email: invalid_email"],
    [{ roles: ["admin"] }, "roles: unknown_field"],
    [{ home: { zip: "1", tenant_id: "x" } }, "home.tenant_id: unknown_field"],
  ])("%j is %s", (change, expected) => {
    expect(found(change)).toEqual([expected]);
  });

  test("name each unknown field", () => {
    expect(found({ a: 1, b: 2 })).toEqual(["a: unknown_field", "b: unknown_field"]);
  });

  test("describe the problem in words", () => {
    const input = { ...good, name: "", tags: [], age: "x", email: "ada" };
    const { error } = schema.safeParse(input);
    expect(fieldErrors(error?.issues ?? [], input).map(({ message }) => message)).toEqual([
      "must have at least 2 characters",
      "must be a number",
      "must be an email address",
      "must have at least 1 entry",
    ]);
  });

  test("are limited in number for a body with ten thousand unknown fields", () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, 1]));
    expect(found(many)).toHaveLength(100);
  });
});
