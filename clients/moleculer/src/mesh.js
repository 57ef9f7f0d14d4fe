import { randomBytes } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { ErrorRegenerator, toUsermeshError } from "./error.js";
import { startConsumer } from "./events.js";
import { closeConnection, connectNats, isNatsUrl, natsOptions, PeerTransporter } from "./nats.js";

/** Names of Usermesh's own services and commands: a peer with one of them would be refused, or would take its events. */
const ownNames =
  /^(admin|api|auth|gateway|mail|preferences|sessions|users|webhooks|worker-.*|seed|administration|import|export)$/;

/**
 * Joins the mesh at `natsUrl` as the service `name`. Rejects with a message that says what is wrong: the version of Moleculer,
 * the address or credentials of NATS, or a service that no node offers.
 */
export async function joinMesh({
  name,
  natsUrl = process.env.NATS_URL,
  services = [],
  waitFor = ["users"],
  timeoutMs = 15_000,
  broker: brokerOptions = {},
}) {
  assertUsable(name, natsUrl);
  const connection = await connectNats(natsUrl, name);
  const broker = new ServiceBroker({
    namespace: "usermesh",
    // The dot makes the name a part of the NATS subject, so that permissions of the NATS server can refer to it.
    nodeID: `${name}.${process.pid}-${randomBytes(4).toString("hex")}`,
    transporter: new PeerTransporter(natsOptions(natsUrl)),
    errorRegenerator: new ErrorRegenerator(),
    // The nodes of Usermesh drop a node after three seconds without a heartbeat. By default Moleculer sends one every ten.
    heartbeatInterval: 1,
    heartbeatTimeout: 3,
    // Moleculer would end the process on SIGTERM before events that are being handled are done. Call `stop` instead.
    skipProcessEventRegistration: true,
    ...brokerOptions,
  });
  const consumers = [];
  const stop = async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await broker.stop();
    await closeConnection(connection);
  };
  try {
    for (const service of services) broker.createService(service);
    await broker.start();
    await waitForServices(broker, waitFor, timeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    broker,
    connection,
    call: (action, params, options) => callAs(broker, name, { action, params, ...options }),
    async consume(options) {
      const consumer = await startConsumer(connection, { name, ...options });
      consumers.push(consumer);
      return consumer;
    },
    stop,
  };
}

function assertUsable(name, natsUrl) {
  const { PROTOCOL_VERSION, MOLECULER_VERSION } = ServiceBroker;
  if (PROTOCOL_VERSION !== "5")
    throw new Error(`Usermesh speaks protocol 5 of Moleculer 0.15, which needs Node 22; this is ${MOLECULER_VERSION}.`);
  if (ownNames.test(name)) throw new Error(`"${name}" is a service of Usermesh. Choose another name.`);
  if (!/^[A-Za-z0-9_-]+$/.test(name))
    throw new Error("A name may contain only letters, digits, hyphens and underscores.");
  if (!natsUrl) throw new Error("NATS_URL is not set. Ask the operator of Usermesh for it.");
  if (!isNatsUrl(natsUrl)) throw new Error("NATS_URL must be nats://user:password@host:4222, or several of them.");
}

async function waitForServices(broker, names, timeoutMs) {
  if (names.length === 0) return;
  try {
    await broker.waitForServices(names, timeoutMs, 100);
  } catch (error) {
    const missing = names.filter((one) => !broker.registry.hasService(one));
    throw new Error(`No node offers ${missing.join(", ")} after ${timeoutMs / 1_000} s.`, { cause: error });
  }
}

async function callAs(broker, name, { action, params, timeout, correlationId }) {
  const meta = {
    caller: { kind: "service", name },
    ...(correlationId !== undefined && { correlation_id: correlationId }),
  };
  try {
    return await broker.call(action, params, { meta, ...(timeout !== undefined && { timeout }) });
  } catch (error) {
    throw toUsermeshError(action, error);
  }
}
