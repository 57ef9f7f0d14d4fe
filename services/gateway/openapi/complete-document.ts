import { fieldDescriptions, parameterDescriptions } from "./descriptions.ts";

type Node = { [name: string]: unknown };

/**
 * Adds descriptions of fields and parameters that have none of their own. Removes the bounds of JavaScript's safe integers,
 * which mean nothing to clients and which editors show as examples, and gives integers the format `int64`.
 */
export function completeDocument<T extends object>(document: T): T {
  visit(document as Node, []);
  return document;
}

/** `names` are the names of the schema and of the fields around the node, the innermost last. */
function visit(node: unknown, names: readonly string[]): void {
  if (Array.isArray(node)) {
    for (const one of node) visit(one, names);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  const { type, minimum, maximum, properties, schemas, parameters, ...others } = node as Node;
  if (minimum === Number.MIN_SAFE_INTEGER) delete (node as Node).minimum;
  if (maximum === Number.MAX_SAFE_INTEGER) delete (node as Node).maximum;
  if (type === "integer") (node as Node).format ??= "int64";
  for (const parameter of (parameters ?? []) as Node[]) describeParameter(parameter);
  for (const [name, schema] of Object.entries(schemas ?? {})) visit(schema, [name]);
  for (const [name, schema] of Object.entries(properties ?? {})) {
    describeField(schema as Node, names, name);
    visit(schema, [...names, name]);
  }
  for (const [name, value] of Object.entries(others)) if (name !== "example") visit(value, namesIn(value) ?? names);
}

/** The outermost name of an operation's fields is the first word of its id: `introspect` for `introspectToken`. */
function namesIn(value: unknown): string[] | undefined {
  const { operationId } = (value ?? {}) as Node;
  return typeof operationId === "string" ? [operationId.replace(/[A-Z].*/, "")] : undefined;
}

function describeField(schema: Node, names: readonly string[], name: string): void {
  if (schema.description !== undefined) return;
  const known = [names[0], names.at(-1)].map((parent) => fieldDescriptions[`${parent}.${name}`]);
  const description = known.find((one) => one !== undefined) ?? fieldDescriptions[name];
  if (description !== undefined) schema.description = description;
}

function describeParameter(parameter: Node): void {
  const { name, schema, description } = parameter;
  visit(schema, []);
  if (description === undefined && parameterDescriptions[String(name)] !== undefined)
    parameter.description = parameterDescriptions[String(name)];
}
