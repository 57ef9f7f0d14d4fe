import * as z from "zod";
import { earlierNames } from "../../users/contract/users-shapes.contract.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { Translation } from "../routes.types.ts";

type Aliases = Readonly<Record<string, string>>;

const legacyNames = new Map(Object.entries(earlierNames));
/** Canonical field names by the name in earlier systems. Responses contain both; a body may use either. */
const aliases: Aliases = Object.fromEntries([...legacyNames].map(([canonical, legacy]) => [legacy, canonical]));

/** `bodyAliases` are additional names that one route accepts in its body. */
export function createTranslation(bodyAliases: Aliases = {}): Translation {
  const known = { ...aliases, ...bodyAliases };
  return {
    request: (body) => toCanonical(body, known),
    response: withLegacyNames,
    requestSchema: (schema) => bodySchema(schema, known),
    responseSchema: resultSchema,
  };
}

/** A field that is sent under both names keeps both, so that validation rejects the legacy one as unknown. */
function toCanonical(body: JsonObject, known: Aliases): JsonObject {
  const entries = Object.entries(body).map(([name, value]) => {
    const canonical = Object.hasOwn(known, name) ? known[name] : undefined;
    return [canonical !== undefined && !Object.hasOwn(body, canonical) ? canonical : name, value];
  });
  return Object.fromEntries(entries);
}

function withLegacyNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLegacyNames);
  if (typeof value !== "object" || value === null) return value;
  return addLegacyNames(value as JsonObject, withLegacyNames);
}

/** Copies an object, applying `change` to its members, and repeats the members that have a legacy name under that name. */
function addLegacyNames<T>(object: Readonly<Record<string, T>>, change: (member: T) => T): Record<string, T> {
  const entries = Object.entries(object).flatMap(([name, member]): Array<[string, T]> => {
    const legacy = legacyNames.get(name);
    const own: [string, T] = [name, change(member)];
    return legacy === undefined ? [own] : [own, [legacy, member]];
  });
  return Object.fromEntries(entries);
}

function bodySchema(schema: z.ZodType, known: Aliases): z.ZodType {
  if (!(schema instanceof z.ZodObject)) return schema;
  const shape = { ...(schema.shape as Record<string, z.ZodType>) };
  for (const [legacy, canonical] of Object.entries(known)) {
    const type = shape[canonical];
    if (!type || shape[legacy]) continue;
    shape[canonical] = type.optional();
    shape[legacy] = type.optional();
  }
  return z.strictObject(shape);
}

/** Each schema is translated once, because an OpenAPI component may be defined only once. */
const translated = new Map<z.ZodType, z.ZodType>();

function resultSchema(schema: z.ZodType): z.ZodType {
  const known = translated.get(schema) ?? translateResult(schema);
  translated.set(schema, known);
  return known;
}

function translateResult(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodArray) return z.array(resultSchema(schema.element as z.ZodType));
  if (schema instanceof z.ZodNullable) return resultSchema(schema.unwrap() as z.ZodType).nullable();
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map((one) => resultSchema(one as z.ZodType)));
  if (!(schema instanceof z.ZodObject)) return schema;
  const original = schema.shape as Record<string, z.ZodType>;
  const shape = addLegacyNames(original, resultSchema);
  if (Object.keys(shape).every((name) => shape[name] === original[name])) return schema;
  const id = schema.meta()?.id;
  return z.strictObject(shape).meta(typeof id === "string" ? { id: `Compatible${id}` } : {});
}
