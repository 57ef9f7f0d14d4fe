import type { AddressInfo } from "node:net";
import type { Service, ServiceSchema } from "moleculer";
import { AppError } from "../../lib/actions/errors.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createLeaseHolder } from "../../mixins/lease-holder.mixin.ts";
import { apiContract } from "./api.contract.ts";
import { gatewayContract } from "./gateway.contract.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { routes } from "./routes.ts";
import type { WebService } from "./web/module.ts";
import { listAliases, webMixin } from "./web/web.mixin.ts";

/** The public HTTP API, on moleculer-web. It starts after all other services, and stops before them. */
export default function gatewayService(platform: Platform): ServiceSchema {
  const lease = createLeaseHolder(platform, {
    service: "gateway",
    action: "gateway.applyRevocations",
    onApplied: (changes) => gateway?.onRevoked(changes),
  });
  let gateway: Gateway | undefined;
  const running = (): Gateway => {
    if (gateway) return gateway;
    throw new AppError("service_unavailable", { retry_after: 1 });
  };
  return {
    name: "gateway",
    mixins: [lease.mixin, webMixin(() => running().web, routes, platform.config.http.extensions)],
    actions: implement(gatewayContract, {
      introspect: async (ctx) => running().introspect(ctx),
      applyRevocations: async ({ params }) => lease.applyEntries(params),
    }),
    methods: {
      /** The listening address. With APP_PORT=0 the operating system chooses the port. */
      address: (): AddressInfo | null => gateway?.address ?? null,
    },
    created(this: Service) {
      // A service of its own, because its name is part of the action's: `api.listAliases`.
      const actions = {
        listAliases: async ({ params }: { readonly params: object }) => listAliases(this as WebService, params),
      };
      this.broker.createService({ name: apiContract.name, actions: implement(apiContract, actions) });
    },
    async started(this: Service) {
      gateway = createGateway(platform, this as WebService, lease);
      await gateway.start();
    },
    async stopped() {
      await gateway?.stop();
    },
  };
}
