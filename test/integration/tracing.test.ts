import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { type Server, startNatsServer, startRedisServer } from "../support/start/servers.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue?: string } }>;
}

const SERVER = 2;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const clientSpan = "b7ad6b7169203331";
const person = { email: "traced@example.com", password: "Fine-horse-7-staple", full_name: "Traced Person" };

const spans: Span[] = [];
let payload = "";
/** An OpenTelemetry collector, as far as OTLP/HTTP with JSON goes. */
const collector = createServer(async (request, response) => {
  const text = Buffer.concat(await request.toArray()).toString();
  payload += text;
  for (const { scopeSpans } of JSON.parse(text).resourceSpans)
    for (const scope of scopeSpans) spans.push(...scope.spans);
  response.writeHead(200, { "content-type": "application/json" }).end("{}");
});
let nats: Server;
let redis: Server;
let database: TestDatabase;
let nodes: RunningServices[] = [];

beforeAll(async () => {
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  [nats, redis, database] = await Promise.all([startNatsServer(), startRedisServer(), createTestDatabase()]);
  const env = {
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    REDIS_URL: redis.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  };
  // Two nodes, so that calls cross the bus.
  nodes = await Promise.all([
    startServices(["gateway", "auth", "sessions", "worker-mail"], env),
    startServices(["users", "mail", "preferences", "admin"], env),
  ]);
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all([nats?.stop(), redis?.stop()]);
  await database?.drop();
  collector.closeAllConnections();
  collector.close();
});

const ofTrace = () => spans.filter((span) => span.traceId === traceId);
const named = (name: string) => ofTrace().find((span) => span.name === name);

test("a registration is one trace, from the client's request to the mail", async () => {
  const url = nodes[0]?.url ?? "";
  await waitForGateway(url);
  const { headers } = await createApiClient(url).request("POST", "auth/register", {
    body: person,
    headers: { traceparent: `00-${traceId}-${clientSpan}-01` },
  });
  expect(headers.get("x-correlation-id")).toBeTruthy();
  const expected = [
    ...["POST /api/v1/auth/register", "call auth.register", "auth.register", "call users.create", "users.create"],
    ...["publish user.created", "auth user.created", "admin user.created"],
    ...["relay mail", "call mail.send", "mail.send", "SMTP send"],
  ];
  await eventually("the spans", () => expected.every((name) => named(name) !== undefined)).catch(() => undefined);
  expect(expected.filter((name) => named(name) === undefined)).toEqual([]);
  for (const schema of ["users", "auth", "mail"])
    expect([schema, ofTrace().some(({ name }) => name === `INSERT ${schema}` || name === `SELECT ${schema}`)]).toEqual([
      schema,
      true,
    ]);
  expect(ofTrace().some(({ name }) => /mail/.test(name) && /process/.test(name))).toBe(true);
  const ids = new Set([clientSpan, ...ofTrace().map(({ spanId }) => spanId)]);
  expect(ofTrace().filter(({ parentSpanId = "" }) => !ids.has(parentSpanId))).toEqual([]);
  expect(named("POST /api/v1/auth/register")?.parentSpanId).toBe(clientSpan);
});

test("nothing but requests begins a trace, and no span shows personal data", () => {
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || parentSpanId === "");
  expect(roots.filter(({ kind }) => kind !== SERVER)).toEqual([]);
  for (const text of [person.email, person.password, person.full_name]) expect(payload).not.toContain(text);
});

test("a node without a collector loads nothing of OpenTelemetry", async () => {
  const { openTracing } = await import("../../lib/observability/tracing.ts");
  const { readConfig } = await import("../../lib/config/config.ts");
  expect(await openTracing(readConfig({ NODE_ENV: "test" }), [])).toBeUndefined();
});
