import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, jest, test } from "@jest/globals";
import { commandLine, findExecutable, type ServerSpec, startServer } from "../../../scripts/local-servers/processes.ts";

const silent = (): void => undefined;
const quiet = { debug: silent, info: silent, warn: silent, error: silent };

const script = (code: string, options: Partial<ServerSpec> = {}): ServerSpec => ({
  name: "toy",
  command: process.execPath,
  args: ["-e", code],
  ready: /^ready$/,
  log: quiet,
  ...options,
});

const SERVES = 'console.log("ready"); setInterval(() => {}, 1000);';
const STUBBORN = `process.on("SIGTERM", () => {}); ${SERVES}`;

test("the error of a server that exits during its start has its last output", async () => {
  await expect(startServer(script('console.error("no disk"); process.exit(3)'))).rejects.toThrow(
    "toy ended with code 3\n  no disk",
  );
});

test("a missing program is an error", async () => {
  await expect(startServer(script("", { command: "/nowhere/toy" }))).rejects.toThrow(
    /toy could not be started: .*ENOENT/,
  );
});

test("a server that does not become ready is stopped, and is an error", async () => {
  await expect(startServer(script("setInterval(() => {}, 1000)", { startTimeout: 200 }))).rejects.toThrow(
    "toy is not ready after 0.2 s",
  );
});

test("stop kills a server that ignores SIGTERM", async () => {
  const server = await startServer(script(STUBBORN, { stopTimeout: 100 }));
  await server.stop();
  expect(commandLine(server.pid)).toBe("");
});

test("an unexpected exit is logged with the last lines of output", async () => {
  const error = jest.fn<(fields: object, text: string) => void>();
  const server = await startServer(script(SERVES, { log: { ...quiet, error } }));
  const logged = new Promise<void>((resolve) => error.mockImplementation(() => resolve()));
  process.kill(server.pid, "SIGKILL");
  await logged;
  expect(error).toHaveBeenCalledWith(
    { server: "toy", exit: "was ended by SIGKILL", lastLines: ["ready"] },
    "server stopped unexpectedly",
  );
});

test("a requested stop is not logged as an error", async () => {
  const error = jest.fn();
  await (await startServer(script(SERVES, { log: { ...quiet, error } }))).stop();
  expect(error).not.toHaveBeenCalled();
});

test("the server gets no variable of our environment but PATH", async () => {
  process.env.SECRET_KEY = "hush";
  const debug = jest.fn<(fields: object, text: string) => void>();
  const server = await startServer(
    script(`console.log(Object.keys(process.env).sort().join()); ${SERVES}`, { log: { ...quiet, debug } }),
  );
  await server.stop();
  delete process.env.SECRET_KEY;
  expect(debug.mock.calls[0]?.[1]).toBe("LC_ALL,PATH,TZ");
});

test("a dead process that is not reaped yet has no command line", async () => {
  const child = spawn("true");
  const { pid } = child;
  await once(child, "exit");
  expect(commandLine(pid as number)).toBe("");
  expect(commandLine(process.pid)).not.toBe("");
});

test("finds programs in PATH", () => {
  expect(findExecutable("sh", "/nowhere:/bin")).toBe("/bin/sh");
  expect(findExecutable("no-such-program")).toBeUndefined();
});
