import * as z from "zod";
import { legacyAliases, legacyNameOf } from "../compatibility/legacy-routes.ts";
import type { ApiRoute } from "../routes.ts";

/** What routes add to the schemas of their actions: tokens that go into cookies, fields of earlier systems. */
const translated = new Map<z.ZodType, z.ZodType>();

/** The body of a path of an earlier system: its names beside ours. */
export function bodyWithTheirNames({ seed }: ApiRoute, schema: z.ZodType): z.ZodType {
  if (!seed || !(schema instanceof z.ZodObject)) return schema;
  const shape = { ...(schema.shape as Record<string, z.ZodType>) };
  for (const [theirs, ours] of Object.entries(legacyAliases(seed))) {
    const type = shape[ours];
    if (!type || shape[theirs]) continue;
    shape[ours] = type.optional();
    shape[theirs] = type.optional();
  }
  return z.strictObject(shape);
}

/** An answer there: each object that has a field of ours with another name has it under both. */
export function answerWithTheirNames(schema: z.ZodType): z.ZodType {
  const known = translated.get(schema) ?? translate(schema);
  translated.set(schema, known);
  return known;
}

function translate(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodArray) return z.array(answerWithTheirNames(schema.element as z.ZodType));
  if (schema instanceof z.ZodNullable) return answerWithTheirNames(schema.unwrap() as z.ZodType).nullable();
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map((one) => answerWithTheirNames(one as z.ZodType)));
  if (!(schema instanceof z.ZodObject)) return schema;
  const entries = Object.entries(schema.shape as Record<string, z.ZodType>);
  const shape = Object.fromEntries(
    entries.flatMap(([name, type]) => {
      const theirs = legacyNameOf(name);
      const own = [name, answerWithTheirNames(type)] as const;
      return theirs === undefined ? [own] : [own, [theirs, type] as const];
    }),
  );
  if (entries.every(([name, type]) => shape[name] === type) && Object.keys(shape).length === entries.length)
    return schema;
  const id = schema.meta()?.id;
  return z.strictObject(shape).meta(typeof id === "string" ? { id: `Compatible${id}` } : {});
}

/** The same answer without the tokens, which are in cookies then. */
export function orInCookies({ sessionCookies: cookies }: ApiRoute, schema: z.ZodType): z.ZodType {
  if (cookies !== "set") return schema;
  if (schema instanceof z.ZodUnion) return z.union([schema, ...schema.options.flatMap(inCookies)]);
  return z.union([schema, ...inCookies(schema)]);
}

function inCookies(schema: unknown): z.ZodType[] {
  if (!(schema instanceof z.ZodObject) || !("access_token" in schema.shape)) return [];
  const { access_token: _, refresh_token: __, ...rest } = schema.shape as Record<string, z.ZodType>;
  const csrf_token = z.string().meta({ description: "To be sent as `X-CSRF-Token`; also in the cookie `csrf_token`." });
  return [z.strictObject({ ...rest, csrf_token }).meta({ description: "With `use_cookies`" })];
}
