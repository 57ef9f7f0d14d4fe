/** Requests at once for one tenant, in this process. The worker runs ten times as many (workers/webhooks.worker.ts). */
const MAX_REQUESTS = 5;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;

interface Share {
  requests: number;
  /** Messages that were put off since the latest request began. */
  putOff: number;
}

export interface TenantShare {
  /** Runs the request, unless too many of the tenant's are running: then resolves to the delay after which to try again. */
  run<T>(tenantId: string, request: () => Promise<T>): Promise<T | { readonly retry_in_ms: number }>;
}

/**
 * Receivers may take ten seconds to answer. Without this limit, those of one tenant could occupy the whole worker, and the
 * messages of all other tenants would wait. The delay grows with the number of messages that wait, because each of them
 * costs a call whenever it is tried.
 */
export function createTenantShare(): TenantShare {
  const shares = new Map<string, Share>();
  return {
    async run(tenantId, request) {
      const share = shares.get(tenantId) ?? { requests: 0, putOff: 0 };
      if (share.requests >= MAX_REQUESTS) {
        share.putOff += 1;
        return { retry_in_ms: Math.min(FIRST_DELAY_MS * Math.ceil(share.putOff / MAX_REQUESTS), MAX_DELAY_MS) };
      }
      shares.set(tenantId, share);
      share.requests += 1;
      share.putOff = 0;
      try {
        return await request();
      } finally {
        share.requests -= 1;
        if (share.requests === 0) shares.delete(tenantId);
      }
    },
  };
}
