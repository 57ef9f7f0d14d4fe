import type { paths } from "./schema.ts";

/** Types of the operations of the API, by method and path, derived from the generated types. */
export type Method = "get" | "post" | "put" | "patch" | "delete";

export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer O> ? O : never;

type Success<O> = O extends { responses: infer R }
  ? {
      [S in keyof R & (200 | 201 | 202)]: R[S] extends { content: { "application/json": infer B } } ? B : never;
    }[keyof R & (200 | 201 | 202)]
  : never;

/** `data` of a successful answer, or the whole answer of an operation without an envelope. */
export type DataOf<M extends Method, P extends PathOf<M>> =
  Success<Operation<M, P>> extends infer B ? (B extends { data: infer D } ? D : B) : never;

export type MetaOf<M extends Method, P extends PathOf<M>> =
  Success<Operation<M, P>> extends { meta: infer T } ? T : undefined;

export type BodyOf<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { requestBody?: infer R }
    ? NonNullable<R> extends { content: { "application/json": infer B } }
      ? B
      : never
    : never;

export type QueryOf<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
