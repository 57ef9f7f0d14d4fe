import * as z from "zod";

/**
 * The parameters of an action in Moleculer's notation, such as `{ id: "string", reason: "string|optional" }`, for the REPL
 * and other tools of Moleculer. They are only shown: the contract middleware validates by the Zod schema itself.
 */
export function describeParams(schema: z.ZodType): Record<string, string> {
  if (schema instanceof z.ZodObject)
    return Object.fromEntries(Object.entries(schema.shape).map(([name, type]) => [name, describe(type as z.ZodType)]));
  if (schema instanceof z.ZodUnion) return describeUnion(schema.options as z.ZodType[]);
  return {};
}

/** A parameter that only some of the alternatives have is optional. */
function describeUnion(options: readonly z.ZodType[]): Record<string, string> {
  const all = options.map(describeParams);
  const merged: Record<string, string> = Object.assign({}, ...all);
  return Object.fromEntries(
    Object.entries(merged).map(([name, type]) => {
      const isShared = all.every((one) => name in one);
      return [name, isShared || type.endsWith(OPTIONAL) ? type : `${type}${OPTIONAL}`];
    }),
  );
}

const OPTIONAL = "|optional";

function describe(type: z.ZodType): string {
  const isOptional = type.safeParse(undefined).success;
  return `${typeName(unwrap(type))}${isOptional ? OPTIONAL : ""}`;
}

function unwrap(type: z.ZodType): z.ZodType {
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable) return unwrap(type.unwrap() as z.ZodType);
  if (type instanceof z.ZodDefault || type instanceof z.ZodReadonly) return unwrap(type.unwrap() as z.ZodType);
  if (type instanceof z.ZodPipe) return unwrap(type.in as z.ZodType);
  return type;
}

const names: Readonly<Record<string, string>> = { int: "number", enum: "enum", record: "object", literal: "enum" };

function typeName(type: z.ZodType): string {
  const { type: name } = type.def;
  return names[name] ?? name;
}
