import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import bcrypt from "bcrypt";
import { type Service, ServiceBroker, type ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { natsOptions } from "../../lib/runtime/nats-options.ts";

/**
 * What the machine does without us, each as a process: `http` a bare server, `hello` a service on a bus, `web` a moleculer-web
 * gateway as it comes that calls it, `bcrypt` hashes for some seconds.
 */
const [, , kind = "", ...args] = process.argv;
const { BODY = "{}", NATS_URL } = process.env;

const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
  http: () => listen(async () => BODY),
  hello: async () => {
    const broker = bareBroker("hello");
    const answer = JSON.parse(BODY);
    broker.createService({ name: "hello", actions: { say: () => answer } });
    await broker.start();
  },
  web: async () => {
    const broker = bareBroker("web");
    const routes = [{ path: "/", aliases: { "GET /api/v1/users/me": "hello.say" }, bodyParsers: false }];
    const settings = { port: 0, ip: "127.0.0.1", routes };
    const service = broker.createService({ name: "api", mixins: [ApiGateway as Partial<ServiceSchema>], settings });
    await broker.start();
    await broker.waitForServices("hello", 10_000);
    return `http://127.0.0.1:${((service as Service & { server: Server }).server.address() as AddressInfo).port}`;
  },
  bcrypt: () => hashesPerSecond(Number(args[0]), Number(args[1])),
};

function bareBroker(nodeID: string): ServiceBroker {
  const transporter = NATS_URL === undefined ? null : { type: "NATS" as const, options: natsOptions(NATS_URL) };
  return new ServiceBroker({ namespace: "bare", nodeID, transporter, logger: false });
}

async function listen(answer: () => Promise<string>): Promise<string> {
  const server = createServer(async (_, response) => {
    const body = await answer();
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As many at once as there are cores. */
async function hashesPerSecond(cost: number, seconds: number): Promise<number> {
  const hash = await bcrypt.hash("x", cost);
  const began = performance.now();
  let done = 0;
  const work = async () => {
    for (; performance.now() - began < seconds * 1_000; done += 1) await bcrypt.compare("x", hash);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return done / ((performance.now() - began) / 1_000);
}

process.send?.((await kinds[kind]?.()) ?? null);
process.on("disconnect", () => process.exit());
