import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A range service in the way of Have I Been Pwned, over real HTTP. */
export interface BreachList {
  readonly url: string;
  /** Paths that were asked for, with what came along. */
  readonly asked: ReadonlyArray<{ readonly path: string; readonly padding: string | undefined; readonly body: string }>;
  /** What it does from now on. */
  behave(how: Behaviour): void;
  stop(): Promise<void>;
}

type Behaviour = "answers" | "fails" | "hangs" | "redirects" | "floods" | "drips";

export const sha1 = (text: string) => createHash("sha1").update(text).digest("hex").toUpperCase();

/** `stolen` by how often; 0 is padding. */
export async function startBreachList(stolen: Readonly<Record<string, number>>): Promise<BreachList> {
  const asked: Array<BreachList["asked"][number]> = [];
  let how: Behaviour = "answers";
  const linesOf = (prefix: string) =>
    Object.entries(stolen)
      .map(([password, count]) => [sha1(password), count] as const)
      .filter(([hash]) => hash.startsWith(prefix))
      .map(([hash, count]) => `${hash.slice(5)}:${count}`);
  const filler = Array.from({ length: 800 }, (_, n) => `${sha1(`filler ${n}`).slice(5)}:${n % 3}`);
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    const body = (await request.toArray()).join("");
    asked.push({ path, padding: request.headers["add-padding"] as string | undefined, body });
    const lines = [...filler, ...linesOf(path.split("/").at(-1) ?? "")].join("\r\n");
    if (how === "fails") return void response.writeHead(503).end(lines);
    if (how === "redirects") return void response.writeHead(302, { location: `${url}/elsewhere` }).end();
    if (how === "drips") return void response.write(lines);
    if (how === "floods") return void response.end("0".repeat(3_000_000) + lines);
    if (how === "answers") response.end(lines);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`;
  return {
    url,
    asked,
    behave: (next) => {
      how = next;
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
