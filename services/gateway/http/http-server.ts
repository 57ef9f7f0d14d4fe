import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError, type ErrorCode } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { Timers } from "../../../lib/runtime/clock.ts";
import { ShortLivedMap } from "../../../lib/runtime/short-lived-map.ts";
import { problemResponse } from "../api/problem.ts";
import { createSecurityHeaders } from "./headers.ts";

interface Deps {
  readonly config: Config["http"];
  readonly timers: Timers;
  handle(request: IncomingMessage, response: ServerResponse): void;
  newCorrelationId(): string;
}

type Sockets = ShortLivedMap<number, Socket>;

const CLOSE_IDLE_INTERVAL_MS = 25;

export function createHttpServer({ config, timers, handle, newCorrelationId }: Deps) {
  const { requestTimeoutMs } = config;
  // web/exchanges.ts answers overdue requests, and linger.ts then reads for two seconds more. Node's own limits only apply
  // to requests whose headers never arrive in full.
  const limits = {
    maxHeaderSize: 16_384,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs + 5_000,
    connectionsCheckingInterval: 500,
  };
  // `optimizeEmptyRequests`: Node.js sets up no body stream for a request without a body, which gives 7 % more `GET /users/me` a second.
  const options = { ...limits, keepAliveTimeout: 65_000, noDelay: true, optimizeEmptyRequests: true };
  const server = createServer(options, handle);
  const security = createSecurityHeaders(config)();
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
    respondToClientError(error, socket, security, newCorrelationId()),
  );
  const sockets: Sockets = new ShortLivedMap();
  let accepted = 0;
  server.on("connection", (socket: Socket) => {
    accepted += 1;
    const number = accepted;
    sockets.set(number, socket);
    socket.once("close", () => sockets.delete(number));
  });
  return {
    get address(): AddressInfo | null {
      return server.listening ? (server.address() as AddressInfo) : null;
    },
    listen: () => listen(server, config),
    /** Refuses new connections, lets running requests finish, and closes idle connections. */
    close: () => close(server, sockets, timers, requestTimeoutMs),
  };
}

function listen(server: Server, { port, host }: Config["http"]): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === "EADDRINUSE";
      reject(isTaken ? new Error(`Port ${port} on ${host} is already in use. Set APP_PORT to a free one.`) : error);
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** `server.close` alone would wait until clients close idle connections, even those on which nothing was ever sent. */
async function close(server: Server, sockets: Sockets, timers: Timers, timeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const isClosed = closed.then(() => true);
  const nextCheck = () => timers.sleep(CLOSE_IDLE_INTERVAL_MS).then(() => false);
  for (let waited = 0; waited < timeoutMs; waited += CLOSE_IDLE_INTERVAL_MS) {
    server.closeIdleConnections();
    for (const socket of sockets.values()) if (socket.bytesRead === 0) socket.destroy();
    if (await Promise.race([isClosed, nextCheck()])) return;
  }
  server.closeAllConnections();
  await closed;
}

/** Sends a problem document for a request that Node's parser rejects, which never reaches `handle`. */
function respondToClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  security: readonly string[],
  correlationId: string,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const problem = problemResponse(new AppError(clientErrorCode(error)), { path: "", correlationId });
  const headers = ["Content-Type", problem.contentType, "Content-Length", `${Buffer.byteLength(problem.body)}`];
  headers.push("X-Correlation-ID", correlationId, ...security, "Connection", "close");
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines}\r\n${problem.body}`);
}

function clientErrorCode({ code }: NodeJS.ErrnoException): ErrorCode {
  if (code === "HPE_HEADER_OVERFLOW") return "headers_too_large";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "request_timeout" : "bad_request";
}
