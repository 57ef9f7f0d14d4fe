import { counted } from "../run/terminal.ts";
import type { Operator } from "./operator.ts";

export async function listQueueWarnings({ call }: Operator): Promise<string[]> {
  const mesh = await call("admin.mesh", {}).catch(() => null);
  if (!mesh) return [];
  const dead = mesh.queues.filter(({ counts }) => (counts?.failed ?? 0) > 0);
  return [
    ...mesh.queues.filter(({ counts }) => counts === null).map(({ name }) => `the queue ${name} can't be read.`),
    ...dead.map(
      ({ name, counts }) => `${counted(counts?.failed ?? 0, "dead letter")} in ${name} (\`dead list ${name}\`).`,
    ),
    ...(mesh.open_breakers.length > 0
      ? [`${counted(mesh.open_breakers.length, "open circuit breaker")} (\`breakers\`).`]
      : []),
  ];
}
