import type { SpanContext } from "@opentelemetry/api";
import type { Telemetry } from "bullmq";
import type { Config } from "../config/config.ts";
import { version } from "../config/version.ts";

export interface SpanSpec {
  readonly name: string;
  readonly kind: "server" | "client" | "producer" | "consumer" | "internal";
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** W3C traceparent of the span that caused this one, if it is not the current one. */
  readonly parent?: string | undefined;
}

export interface OpenSpan {
  /** Name and attributes that are known only at the end. */
  describe(name: string, attributes: Readonly<Record<string, string | number>>): void;
}

/** Spans of this process, sent by OTLP/HTTP. Without OTEL_EXPORTER_OTLP_ENDPOINT there is no tracing, and nothing is loaded. */
export interface Tracing {
  /**
   * Runs `work` in a span that ends with it. Only requests begin a trace: any other `work` without a parent runs without a
   * span, so that polls and schedules leave no traces.
   */
  run<T>(spec: SpanSpec, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** W3C traceparent of the current span; undefined outside of a recorded trace. */
  current(): string | undefined;
  /** For BullMQ, which carries the trace from the process that adds a job to the worker. */
  readonly queues: Telemetry;
  /** Sends the spans that are not sent yet. */
  close(): Promise<void>;
}

const SAMPLED = 1;

function isSampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & SAMPLED) !== 0;
}

const noSpan: OpenSpan = { describe: () => undefined };

/** Loads OpenTelemetry only if it is used: it takes a tenth of a second and 10 MB. */
export async function openTracing(
  { tracing, nodeId }: Pick<Config, "tracing" | "nodeId">,
  services: readonly string[],
): Promise<Tracing | undefined> {
  if (tracing.endpoint === undefined) return undefined;
  const [api, core, sdk, { OTLPTraceExporter }, { resourceFromAttributes }, hooks, { default: bullmq }] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/core"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/context-async-hooks"),
      import("bullmq-otel"),
    ]);
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;
  const kinds = {
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
    internal: SpanKind.INTERNAL,
  };
  const ratio = new sdk.TraceIdRatioBasedSampler(tracing.ratio);
  const requestsOnly: import("@opentelemetry/sdk-trace").Sampler = {
    shouldSample: (around, id, _name, kind) =>
      kind === SpanKind.SERVER ? ratio.shouldSample(around, id) : { decision: sdk.SamplingDecision.NOT_RECORD },
    toString: () => "RequestsOnly",
  };
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      "service.name": services.length === 1 ? `usermesh-${services[0]}` : "usermesh",
      "service.version": version,
      "service.instance.id": nodeId ?? "",
    }),
    sampler: new sdk.ParentBasedSampler({ root: requestsOnly }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${tracing.endpoint}/v1/traces`, headers: tracing.headers }),
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  const tracer = provider.getTracer("usermesh", version);

  return {
    async run({ name, kind, attributes = {}, parent }, work) {
      const around =
        parent === undefined ? context.active() : propagation.extract(api.ROOT_CONTEXT, { traceparent: parent });
      if (kind !== "server" && !isSampled(trace.getSpanContext(around))) return work(noSpan);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, around);
      const open: OpenSpan = { describe: (text, more) => void span.updateName(text).setAttributes(more) };
      try {
        return await context.with(trace.setSpan(around, span), () => work(open));
      } catch (error) {
        // Only the type is recorded, because messages may contain personal data.
        const { name: type, type: code } = error as Error & { readonly type?: unknown };
        span
          .setStatus({ code: SpanStatusCode.ERROR })
          .setAttribute("error.type", typeof code === "string" ? code : type);
        throw error;
      } finally {
        span.end();
      }
    },
    current() {
      if (!isSampled(trace.getSpanContext(context.active()))) return undefined;
      const carrier: { traceparent?: string } = {};
      propagation.inject(context.active(), carrier);
      return carrier.traceparent;
    },
    queues: new bullmq.BullMQOtel({ tracerName: "usermesh", version }),
    close: () => provider.shutdown(),
  };
}
