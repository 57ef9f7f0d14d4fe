import { connect } from "node:net";

/** What one run asks for; sent to this process, which generates load apart from what it measures. */
export interface Load {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each connection sends them in turn; connection n starts with body n. */
  readonly bodies?: readonly object[];
  /** Each connection spends the refresh token of its last answer; one for each connection. */
  readonly refreshTokens?: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** How long a connection waits after each answer. Without it, the server is fully loaded. */
  readonly pauseMs?: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Answers other than 200. */
  readonly failed: number;
  /** The last refresh token of each connection. */
  readonly refreshTokens: readonly string[];
}

interface Run {
  readonly load: Load;
  readonly times: number[];
  readonly until: number;
  failed: number;
}

process.on("message", (load: Load) => void generate(load).then((measured) => process.send?.(measured)));

async function generate(load: Load): Promise<Measured> {
  const began = performance.now();
  const run: Run = { load, times: [], until: began + load.seconds * 1_000, failed: 0 };
  const clients = Array.from({ length: load.connections }, (_, n) => keepAsking(run, n));
  const refreshTokens = await Promise.all(clients);
  const times = run.times.toSorted((left, right) => left - right);
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  const perSecond = times.length / ((performance.now() - began) / 1_000);
  return { perSecond, p50: at(0.5), p99: at(0.99), p999: at(0.999), failed: run.failed, refreshTokens };
}

/** One connection, one request after the other, on a bare socket: a client library would cost more than what is measured. */
function keepAsking(run: Run, connection: number): Promise<string> {
  const { url, refreshTokens, pauseMs } = run.load;
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let token = refreshTokens?.[connection] ?? "";
  let received = "";
  let turn = connection;
  let asked = performance.now();
  const ask = () => {
    asked = performance.now();
    socket.write(textOf(run.load, bodyOf(run.load, turn, token)));
    turn += 1;
  };
  return new Promise((resolve, reject) => {
    socket.on("connect", ask);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const body = wholeBody(received);
      if (body === null) return;
      run.times.push(performance.now() - asked);
      if (!received.startsWith("HTTP/1.1 200")) run.failed += 1;
      else if (token !== "") token = JSON.parse(body).data.refresh_token;
      received = "";
      if (performance.now() < run.until) return void (pauseMs === undefined ? ask() : setTimeout(ask, pauseMs));
      socket.destroy();
      resolve(token);
    });
  });
}

/** Null as long as it is not all there. */
function wholeBody(received: string): string | null {
  const head = received.indexOf("\r\n\r\n");
  if (head === -1) return null;
  const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
  const body = received.slice(head + 4);
  return body.length >= length ? body : null;
}

function bodyOf({ bodies, refreshTokens }: Load, turn: number, refreshToken: string): string {
  if (refreshTokens) return JSON.stringify({ refresh_token: refreshToken });
  return bodies ? JSON.stringify(bodies[turn % bodies.length]) : "";
}

function textOf({ url, method, path, headers = {} }: Load, content: string): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(content === "" ? [] : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(content)}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${content}`;
}
