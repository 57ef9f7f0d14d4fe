import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPictureFetcher } from "../../../lib/outbound/fetch-picture.ts";
import type { Resolve } from "../../../lib/outbound/public-lookup.ts";
import {
  content,
  type PictureServer,
  redirect,
  startPictureServer,
  status,
  zeros,
} from "../../support/fakes/picture-server.ts";

const MAX_BYTES = 1_048_576;
let server: PictureServer;
beforeAll(async () => {
  server = await startPictureServer();
});
afterAll(() => server.stop());

const inDevelopment = createPictureFetcher({ maxBytes: MAX_BYTES, allowPrivateAddresses: true, timeLimitMs: 2_000 });
const guarded = (resolve?: Resolve) =>
  createPictureFetcher({ maxBytes: MAX_BYTES, allowPrivateAddresses: false, timeLimitMs: 2_000, resolve });
const resolvingTo = (address: string) => async () => [{ address, family: 4 }];
const failingWith = (code: string) => () => Promise.reject(Object.assign(new Error(), { code }));
const refused = (problem: string) => ({ problem, isTemporary: false });
const failed = (problem: string) => ({ problem, isTemporary: true });

test("redirects are followed to the picture", async () => {
  const picture = server.add(content("bytes"));
  const relative = server.add(redirect(new URL(picture).pathname));
  expect(await inDevelopment(server.add(redirect(relative)))).toEqual(Buffer.from("bytes"));
});

test("without private addresses, an http URL is not requested", async () => {
  const url = server.add(content("bytes"));
  expect(await guarded(resolvingTo("127.0.0.1"))(url)).toEqual(refused("url_not_allowed"));
  expect(server.requests(url)).toBe(0);
});

test.each(["https://127.0.0.1/a", "https://[::1]/a", "https://169.254.169.254/latest/meta-data", "https://0x7f.1/a"])(
  "no connection is made to %s",
  async (url) => {
    expect(await guarded()(url)).toEqual(refused("address_not_allowed"));
  },
);

test("no connection is made to a name that resolves to a private address", async () => {
  let connections = 0;
  const inside = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
  const { port } = inside.address() as { port: number };
  const fetchPicture = guarded(resolvingTo("127.0.0.1"));
  expect(await fetchPicture(`https://pictures.example:${port}/a`)).toEqual(refused("no_public_address"));
  expect(connections).toBe(0);
  inside.close();
});

test("a name that does not exist is given up, a name server that does not respond is not", async () => {
  const outcome = (code: string) => guarded(failingWith(code))("https://pictures.example/a");
  expect(await outcome("ENOTFOUND")).toEqual(refused("no_public_address"));
  expect(await outcome("ETIMEOUT")).toEqual(failed("no_public_address"));
  expect(await outcome("ESERVFAIL")).toEqual(failed("no_public_address"));
});

test.each(["file:///etc/passwd", "data:image/png;base64,AAAA", "ftp://127.0.0.1/a", "https://[", "gopher://127.0.0.1"])(
  "a redirect to %s is not followed",
  async (location) => {
    expect(await inDevelopment(server.add(redirect(location)))).toEqual(refused("url_not_allowed"));
  },
);

test("after three redirects the fetch is given up", async () => {
  const url = server.add((response) => redirect(url)(response, response.req));
  expect(await inDevelopment(url)).toEqual(refused("too_many_redirects"));
  expect(server.requests(url)).toBe(4);
});

test("a body is cut off at the limit, whatever its announced length", async () => {
  const closed = Promise.withResolvers<number>();
  expect(await inDevelopment(server.add(zeros(20 * MAX_BYTES, closed.resolve)))).toEqual(refused("too_large"));
  const sent = await closed.promise;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(20 * MAX_BYTES);
});

test.each([
  [404, false],
  [401, false],
  [204, false],
  [304, false],
  [500, true],
  [503, true],
  [429, true],
  [408, true],
])("status %i is temporary: %s", async (code, isTemporary) => {
  expect(await inDevelopment(server.add(status(code)))).toEqual({ problem: `http_${code}`, isTemporary });
});

test("a server that does not respond, closes the connection or stops in the middle of the body is a temporary failure", async () => {
  const hanging = server.add(() => undefined);
  const hangingUp = server.add((response) => void response.destroy());
  const stopping = server.add((response) => void response.writeHead(200, { "content-length": "9" }).write("a"));
  const brief = createPictureFetcher({ maxBytes: MAX_BYTES, allowPrivateAddresses: true, timeLimitMs: 300 });
  expect(await brief(hanging)).toEqual(failed("timeout"));
  expect(await brief(stopping)).toEqual(failed("timeout"));
  expect(await inDevelopment(hangingUp)).toEqual(failed("ECONNRESET"));
});
