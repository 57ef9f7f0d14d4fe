import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { startChild } from "../../../scripts/run/child.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { type ApiClient, createApiClient } from "../clients/api-client.ts";
import { type BusProxy, type Fate, openBusProxy } from "../fakes/bus-proxy.ts";
import type { TestMesh } from "./mesh.ts";

/** One more gateway of a mesh, whose bus comes by a line that a test may hold or lose. */
export interface RemoteGateway {
  readonly api: ApiClient;
  readonly nodeId: string;
  readonly line: BusProxy;
  /** SIGSTOP, SIGCONT. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export async function startRemoteGateway(
  mesh: TestMesh,
  env: Readonly<Record<string, string>> = {},
): Promise<RemoteGateway> {
  const line = await openBusProxy(mesh.nats.url);
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  const nodeId = `gateway-far-${port}`;
  const child = await startChild({
    service: "gateway",
    name: nodeId,
    release: process.env.TEST_RELEASE,
    env: {
      ...mesh.env,
      // The issuer that the others sign for.
      PUBLIC_URL: mesh.api.url,
      NATS_URL: line.url,
      NODE_ID: nodeId,
      APP_PORT: String(port),
      ...env,
    },
    onExit: () => undefined,
  });
  await waitForGateway(url);
  return {
    api: createApiClient(url),
    nodeId,
    line,
    pause: () => void child.process.kill("SIGSTOP"),
    resume: () => void child.process.kill("SIGCONT"),
    async stop() {
      line.mend();
      await child.stop();
      await line.close();
    },
  };
}

export function isLeaseQuestion(message: string): boolean {
  return message.includes('"action":"sessions.renewLease"');
}

export function isLeaseAnswer(message: string): boolean {
  return message.includes('"granted":');
}

/** A rule for its line: it is on the bus and serves, but hears nothing of what has ended. */
export function nothingOfRevocations(message: string): Fate {
  return isLeaseAnswer(message) || message.includes('"action":"gateway.applyRevocations"') ? "is lost" : "arrives";
}
