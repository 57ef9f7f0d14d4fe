import type { AddressInfo } from "node:net";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { AppError } from "../../lib/actions/errors.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createLeaseHolder } from "../../mixins/lease-holder.mixin.ts";
import { gatewayContract } from "./gateway.contract.ts";
import { createGateway, type Gateway } from "./gateway.ts";

/** The public HTTP API. It starts after all other services, and stops before them. */
export default function gatewayService(platform: Platform): ServiceSchema {
  const lease = createLeaseHolder(platform, { service: "gateway", action: "gateway.applyRevocations" });
  let gateway: Gateway | undefined;
  return {
    name: "gateway",
    mixins: [lease.mixin],
    actions: implement(gatewayContract, {
      introspect: async (ctx) => {
        if (!gateway) throw new AppError("service_unavailable", { retry_after: 1 });
        return gateway.introspect(ctx);
      },
      applyRevocations: async ({ params }) => lease.applyEntries(params),
    }),
    methods: {
      /** The listening address. With APP_PORT=0 the operating system chooses the port. */
      address: (): AddressInfo | null => gateway?.address ?? null,
    },
    async started(this: { readonly broker: ServiceBroker }) {
      gateway = createGateway(platform, this.broker, lease);
      await gateway.start();
    },
    async stopped() {
      await gateway?.stop();
    },
  };
}
