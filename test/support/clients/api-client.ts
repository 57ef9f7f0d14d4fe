import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { openApiDocument } from "../../../services/gateway/openapi/openapi.ts";
import { routes } from "../../../services/gateway/routes.ts";
import { eventually } from "../eventually.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: its shape is held against the OpenAPI document at run time
  readonly body: any;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** Sent as it is, with the type it brings along or the one in `headers`. */
  readonly raw?: FormData | Uint8Array<ArrayBuffer> | string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiClient {
  readonly url: string;
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  get(path: string, token?: string): Promise<Answer>;
  post(path: string, body?: unknown, token?: string): Promise<Answer>;
  patch(path: string, body: unknown, token?: string): Promise<Answer>;
  put(path: string, body: unknown, token?: string): Promise<Answer>;
  delete(path: string, token?: string): Promise<Answer>;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: unknown;
}

interface Operation {
  readonly responses: Readonly<Record<string, { $ref?: string; content?: Record<string, { schema: object }> }>>;
}

const API = "/api/v1";

let answerCheck: ReturnType<typeof createAnswerCheck> | undefined;

/** An HTTP client that holds every answer against the OpenAPI documents: an undocumented status, code or field is an error. */
export function createApiClient(url: string): ApiClient {
  // The same for all servers, since generating the documents and compiling their schemas takes half a second.
  answerCheck ??= createAnswerCheck(generate("openapi"), generate("compatibility"));
  const check = answerCheck;
  const request = async (method: string, path: string, options: RequestOptions = {}): Promise<Answer> => {
    const target = path.startsWith("/") ? path : `${API}/${path}`;
    const response = await fetch(url + target, { method, ...initOf(options) });
    const type = response.headers.get("content-type") ?? "";
    const text = type === "text/event-stream" ? await beginningOf(response) : await response.text();
    const body = type.includes("json") ? JSON.parse(text) : text;
    check(method, new URL(url + target).pathname, { status: response.status, type, body });
    return { status: response.status, headers: response.headers, body };
  };
  return {
    url,
    request,
    get: (path, token) => request("GET", path, { token }),
    post: (path, body, token) => request("POST", path, { body, token }),
    patch: (path, body, token) => request("PATCH", path, { body, token }),
    put: (path, body, token) => request("PUT", path, { body, token }),
    delete: (path, token) => request("DELETE", path, { token }),
  };
}

/** What an event stream begins with; its end would never come. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return Buffer.from(first?.value ?? []).toString();
}

function initOf({ body, raw, token, headers = {} }: RequestOptions): RequestInit {
  return {
    redirect: "manual",
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(raw !== undefined && { body: raw }),
  };
}

function generate(kind: "openapi" | "compatibility"): OpenApi {
  const isLegacy = kind === "compatibility";
  const documented = routes.filter(({ legacy }) => (legacy !== undefined) === isLegacy);
  return JSON.parse(openApiDocument(documented, "http://localhost", isLegacy));
}

interface Seen {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

function createAnswerCheck(api: OpenApi, compatibility: OpenApi) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (formats as unknown as (one: unknown) => void)(ajv);
  ajv.addSchema({ $id: "openapi", ...api });
  ajv.addSchema({ $id: "compatibility", ...compatibility });
  const findTemplate = createTemplateSearch([...Object.keys(api.paths), ...Object.keys(compatibility.paths)]);
  const compiled = new Map<string, ValidateFunction>();
  return (method: string, path: string, seen: Seen): void => {
    const template = findTemplate(path);
    const [id, document] = template && api.paths[template] ? ["openapi", api] : ["compatibility", compatibility];
    const operation = template && document.paths[template]?.[method.toLowerCase()];
    // 404 and 405 are for what the document doesn't have.
    if (!template || !operation) {
      if (seen.status === 404 || seen.status === 405 || method === "HEAD" || method === "OPTIONS") return;
      throw new Error(`${method} ${path} answered ${seen.status} and is not in the OpenAPI document`);
    }
    const declared = operation.responses[String(seen.status)];
    if (!declared)
      throw new Error(
        `${method} ${template} answered ${seen.status}, which is not documented: ${JSON.stringify(seen.body)}`,
      );
    const pointer = declared.$ref
      ? declared.$ref.slice(1)
      : `/paths/${pointerPart(template)}/${method.toLowerCase()}/responses/${seen.status}`;
    const content = resolve(document, pointer) as { content?: Record<string, unknown> };
    const media = seen.type.split(";")[0] ?? "";
    if (!content.content?.[media]) {
      if (Object.keys(content.content ?? {}).length === 0 && seen.body === "") return;
      throw new Error(
        `${method} ${template} ${seen.status} answered ${media}, documented are ${Object.keys(content.content ?? {})}`,
      );
    }
    if (!media.includes("json")) return;
    const reference = `${id}#${pointer}/content/${pointerPart(media)}/schema`;
    const validate = compiled.get(reference) ?? ajv.compile({ $ref: encodeURI(reference) });
    compiled.set(reference, validate);
    if (!validate(seen.body)) {
      throw new Error(
        `${method} ${template} ${seen.status} breaks its schema: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(seen.body)}`,
      );
    }
  };
}

function createTemplateSearch(templates: readonly string[]): (path: string) => string | undefined {
  // Of several that match, the one with the fewest parameters is served.
  const params = (template: string) => template.split("{").length;
  const patterns = templates
    .toSorted((one, other) => params(one) - params(other))
    .map((template) => ({ template, pattern: new RegExp(`^${patternOf(template)}$`) }));
  return (path) => {
    const trimmed = path.length > 1 ? path.replace(/\/$/, "") : path;
    return patterns.find(({ pattern }) => pattern.test(trimmed))?.template;
  };
}

function patternOf(template: string): string {
  return template.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[^}]+\}/g, "[^/]+");
}

function pointerPart(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

function resolve(document: OpenApi, pointer: string): unknown {
  const parts = pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], document);
}

/** Repeats a request, as a client does, while it gets no answer, a 5xx or `request_in_progress`. */
export function requestUntilAnswered(request: () => Promise<Answer>): Promise<Answer> {
  const once = async () => {
    const answer = await request();
    return answer.status < 500 && answer.body.code !== "request_in_progress" && answer;
  };
  return eventually("an answer", once, { every: 50 });
}
