import { once } from "node:events";
import { connect } from "node:net";

/** Sends bytes as they are and answers with all that comes back until the connection ends, or `until` matches. */
export async function raw(url: string, text: string, until = /\r\n\r\n/): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  let answer = "";
  const done = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (until.test(answer)) resolve();
    });
  });
  await once(socket, "connect");
  socket.write(text);
  await done;
  socket.destroy();
  return answer;
}

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

/** Of the first answer in it, by names in lower case. */
export function headersOf(answer: string): Readonly<Record<string, string>> {
  const [head = ""] = answer.split("\r\n\r\n");
  const lines = head.split("\r\n").slice(1);
  return Object.fromEntries(
    lines.map((line) => [line.split(":")[0]?.toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
}
