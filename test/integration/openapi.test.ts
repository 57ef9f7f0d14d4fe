import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { startServices } from "../support/start/services.ts";
import { installTools, runTool } from "../support/start/tools.ts";

describe("the OpenAPI document", () => {
  let running: Awaited<ReturnType<typeof startServices>> & { readonly publicUrl: string };
  beforeAll(async () => {
    const [services] = await Promise.all([startServices("all"), installTools()]);
    running = { ...services, publicUrl: services.platform.config.http.publicUrl };
  }, 400_000);
  afterAll(() => running.stop());

  test("is valid OpenAPI 3.1", async () => {
    const document = (await (await fetch(`${running.url}/openapi.json`)).json()) as { openapi: string };
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  test.each(["openapi", "openapi-compatibility"])(
    "Redocly and Spectral have nothing to say on %s.json",
    async (name) => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "openapi-"));
      const text = await (await fetch(`${running.url}/${name}.json`)).text();
      const file = join(folder.path, "openapi.json");
      await writeFile(file, text.replaceAll(running.publicUrl, "https://accounts.usermesh.test"));
      const redocly = ["lint", file, "--config", "redocly.yaml", "--format", "json"];
      const spectral = ["lint", file, "--ruleset", "spectral.yaml", "--format", "json", "--quiet"];
      const { problems } = JSON.parse(await runTool(["node_modules/@redocly/cli/bin/cli.js", ...redocly]));
      expect(problems).toEqual([]);
      expect(JSON.parse(await runTool(["node_modules/@stoplight/spectral-cli/dist/index.js", ...spectral]))).toEqual(
        [],
      );
    },
  );

  test("the examples work as they are, one after the other", async () => {
    const document = (await (await fetch(`${running.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { requestBody: { content: Record<string, { example: object }> } }>>;
    };
    let token: string | undefined;
    const send = async (method: string, path: string) => {
      const body = JSON.stringify(
        document.paths[path]?.[method.toLowerCase()]?.requestBody.content["application/json"]?.example,
      );
      const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
      const response = await fetch(`${running.url}${path}`, { method, headers, body });
      const { data, code } = (await response.json()) as { data: { access_token?: string }; code?: string };
      token = data?.access_token ?? token;
      return [`${method} ${path}`, response.status, code];
    };
    const steps = [
      ["POST", "auth/register", 201],
      ["POST", "auth/login", 200],
      ["PATCH", "users/me", 200],
      ["PUT", "users/me/profile", 200],
      ["PATCH", "users/me/preferences", 200],
      ["POST", "users/me/upgrade", 200],
      ["POST", "auth/login", 200],
      ["POST", "auth/password-reset-request", 202],
      ["POST", "auth/verify-email-request", 202],
      ["DELETE", "users/me", 200],
      ["POST", "auth/restore-account", 200],
    ] as const;
    for (const [method, path, status] of steps)
      expect(await send(method, `/api/v1/${path}`)).toEqual([`${method} /api/v1/${path}`, status, undefined]);
  });

  test("is shown by Swagger UI with local assets only", async () => {
    const page = await (await fetch(`${running.url}/docs`)).text();
    expect(page).not.toMatch(/(?:src|href)="https?:/);
    const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      (match) => new URL(match[1] ?? "", `${running.url}/docs/`),
    );
    expect(assets.length).toBeGreaterThan(1);
    for (const asset of assets) expect((await fetch(asset)).status).toBe(200);
  });
});
