import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  /** 0 if the connection broke. */
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: string | null;
  readonly refreshToken: string;
}

export async function post(url: string, path: string, body: object): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${url}/api/v1/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  const answer = (await response?.json().catch(() => null)) as { data?: { refresh_token?: string } } | null;
  return {
    status: response?.status ?? 0,
    ms: performance.now() - began,
    retryAfter: response?.headers.get("retry-after") ?? null,
    refreshToken: answer?.data?.refresh_token ?? "",
  };
}

let emails = 0;

/** Sign-ups at a fixed rate, whether or not the earlier ones have been answered. */
export async function registerAt(
  url: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Answer[]> {
  const began = performance.now();
  const sent: Array<Promise<Answer>> = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const wait = began + (n / perSecond) * 1_000 - performance.now();
    if (wait > 1) await sleep(wait);
    emails += 1;
    sent.push(post(url, "register", { email: `open-loop-${emails}@example.com`, password: "Over-load-1-load" }));
  }
  return Promise.all(sent);
}

/** `refused` are 503 with Retry-After; `others` counts every other answer than that and `expected`. */
export function summarize(answers: readonly Answer[], expected: number) {
  const isServed = ({ status }: Answer) => status === expected;
  const isRefused = ({ status, retryAfter }: Answer) => status === 503 && retryAfter !== null;
  const refusals = answers.filter(isRefused).map((one) => one.ms);
  const others = Map.groupBy(
    answers.filter((one) => !isServed(one) && !isRefused(one)),
    ({ status }) => status,
  );
  return {
    served: answers.filter(isServed).length,
    refused: refusals.length,
    refusalP99: refusals.toSorted((left, right) => left - right)[Math.floor(refusals.length * 0.99)] ?? 0,
    others: [...others].map(([status, group]) => `${group.length} times ${status}`).join(", "),
  };
}
