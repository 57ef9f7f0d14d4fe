import { expect } from "@jest/globals";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { eventually } from "../eventually.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../fakes/webhook-receiver.ts";
import { startUsermesh, type Usermesh } from "../start/usermesh.ts";
import { newTenant, type TestTenant, vendorOf } from "./tenants.ts";

export type WebhookWithSecret = Actions["webhooks.create"]["result"];
export type Delivery = Actions["webhooks.redeliver"]["result"];

/** Usermesh with a receiver, and what the tests of webhooks do with both. */
export interface Webhooks {
  readonly usermesh: Usermesh;
  readonly receiver: WebhookReceiver;
  /** Of the first administrator, who is also the vendor. */
  readonly vendor: string;
  tenant(): Promise<TestTenant>;
  create(token: string, more?: object): Promise<WebhookWithSecret>;
  deliveries(token: string, webhookId: string, query?: string): Promise<Delivery[]>;
  /** Waits until the newest delivery has this state, and resolves to it. */
  delivery(token: string, webhookId: string, state: Delivery["state"]): Promise<Delivery>;
  sendTest(token: string, webhookId: string): Promise<Delivery>;
  stop(): Promise<void>;
}

export async function startWebhooks(env: Record<string, string> = {}): Promise<Webhooks> {
  const receiver = await startWebhookReceiver();
  const usermesh = await startUsermesh({ WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "true", ...env });
  /** Later webhooks would get the event of a sign-in that is still on its way. */
  const settled = <T>(one: T): Promise<T> => usermesh.settled().then(() => one);
  const vendor = await vendorOf(usermesh).then(settled);
  const { api } = usermesh;
  const deliveries = async (token: string, id: string, query = "") => {
    const { status, body } = await api.get(`admin/webhooks/${id}/deliveries${query}`, token);
    expect(status).toBe(200);
    return body.data as Delivery[];
  };
  return {
    usermesh,
    receiver,
    vendor,
    tenant: () => newTenant(usermesh, vendor).then(settled),
    async create(token, more = {}) {
      const { status, body } = await api.post("admin/webhooks", { url: `${receiver.url}/hooks`, ...more }, token);
      expect({ status, code: body.code }).toEqual({ status: 201, code: undefined });
      return body.data;
    },
    deliveries,
    async delivery(token, id, state) {
      let newest: Delivery | undefined;
      const found = async () => {
        [newest] = await deliveries(token, id);
        return newest?.state === state && newest;
      };
      return eventually(`a delivery that is ${state}`, found).catch((cause) => {
        throw new Error(`The newest delivery is ${JSON.stringify(newest)}`, { cause });
      });
    },
    async sendTest(token, id) {
      const { status, body } = await api.post(`admin/webhooks/${id}/test`, undefined, token);
      expect({ status, code: body.code }).toEqual({ status: 202, code: undefined });
      return body.data;
    },
    async stop() {
      await usermesh.stop();
      await receiver.stop();
    },
  };
}
