import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { createTranslation } from "../../../services/gateway/compatibility/field-aliases.ts";

const { request, response, requestSchema, responseSchema } = createTranslation({ password: "new_password" });

describe("field names of earlier systems", () => {
  test("become ours in a body", () => {
    expect(request({ name: "Ada", password: "x", bio: "y" })).toEqual({
      full_name: "Ada",
      new_password: "x",
      bio: "y",
    });
  });

  test("stay beside ours if a body has both, so that the contract refuses it", () => {
    expect(request({ name: "Ada", full_name: "Eve" })).toEqual({ name: "Ada", full_name: "Eve" });
  });

  test("are added to every object of a response", () => {
    expect(response({ items: [{ full_name: "Ada", roles: ["user"] }], total: 1 })).toEqual({
      items: [{ full_name: "Ada", name: "Ada", roles: ["user"] }],
      total: 1,
    });
  });

  test("are documented where the translation applies", () => {
    const schema = z.strictObject({ full_name: z.string(), bio: z.string() });
    expect(requestSchema(schema).safeParse({ name: "Ada", bio: "x" }).success).toBe(true);
    expect(responseSchema(z.array(schema)).safeParse([{ full_name: "Ada", name: "Ada", bio: "x" }]).success).toBe(true);
    const other = z.strictObject({ bio: z.string() });
    expect(responseSchema(other)).toBe(other);
  });
});
