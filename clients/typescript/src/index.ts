export { createClient, type Usermesh, type UsermeshOptions } from "./client.ts";
export { UsermeshError } from "./error.ts";
export type { BodyOf, DataOf, MetaOf, Method, PathOf, QueryOf } from "./operations.ts";
export type { components, operations, paths } from "./schema.ts";
export { browserStorage, memoryStorage, type SessionStorage, type StoredSession } from "./storage.ts";
