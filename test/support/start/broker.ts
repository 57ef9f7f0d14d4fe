import { type BrokerOptions, ServiceBroker, type ServiceSchema } from "moleculer";
import type { Caller, Meta, UserCaller } from "../../../lib/actions/caller.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { createLog } from "../../../lib/observability/log.ts";
import { brokerOptions } from "../../../moleculer.config.ts";

interface BrokerParts {
  readonly services?: readonly ServiceSchema[];
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: Partial<BrokerOptions>;
  /** Takes the lines of the log. */
  readonly log?: (line: string) => void;
}

/** A node as ours are, with services made for the test. */
export async function startBroker({
  services = [],
  env = {},
  options = {},
  log = () => undefined,
}: BrokerParts = {}): Promise<ServiceBroker> {
  const config = readConfig({ NODE_ENV: "test", LOG_LEVEL: "info", ...env });
  const parts = { log: createLog(config.log, { write: log }), services: ["test"] };
  const broker = new ServiceBroker({ ...brokerOptions(config, parts), ...options });
  for (const service of services) broker.createService(service);
  await broker.start();
  return broker;
}

export function callAs(
  broker: ServiceBroker,
  caller: Caller | undefined,
  action: string,
  params: object = {},
): Promise<unknown> {
  const meta: Meta = { correlation_id: "test-1", ...(caller && { caller }) };
  return broker.call(action, params, { meta });
}

export function aUser(more: Partial<UserCaller> = {}): UserCaller {
  return {
    kind: "user",
    user_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60",
    home_tenant_id: "00000000-0000-7000-8000-000000000001",
    tenant_id: "00000000-0000-7000-8000-000000000001",
    session_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f61",
    roles: ["user"],
    permissions: [],
    tier: "basic",
    auth_time: Math.floor(Date.now() / 1_000),
    expires_at: Date.now() + 60_000,
    ...more,
  };
}

/** Closes the connection to the bus, which is all that the other nodes notice of a `kill -9`. */
export async function dropConnection(broker: ServiceBroker): Promise<void> {
  const transporter = broker.transit?.tx as unknown as { client: { close(): Promise<void> } } | undefined;
  await transporter?.client.close();
}
