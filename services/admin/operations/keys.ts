import { type ActionContext, type Actions, servicesWith } from "../../../lib/actions/typed-call.ts";

type Keys = Actions["admin.keys"]["result"];

/** The keys that sign access tokens, and how many values each service stores under each key of the ring. */
export async function readKeys({ call }: Pick<ActionContext, "call">): Promise<Keys> {
  const [signing, usages] = await Promise.all([
    call("auth.signingKeys", {}),
    Promise.all(servicesWith("keyUsage").map((service) => call(`${service as "auth"}.keyUsage`, {}))),
  ]);
  // All services have the same key ring.
  const { active = "", known = [] } = usages[0] ?? {};
  return { signing, key_ring: { active, known, usage: usages.flatMap(({ usage }) => usage) } };
}
