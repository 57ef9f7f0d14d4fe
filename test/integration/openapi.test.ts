import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { startServices } from "../support/start/services.ts";

describe("the OpenAPI document", () => {
  let running: Awaited<ReturnType<typeof startServices>>;
  beforeAll(async () => {
    running = await startServices("all");
  });
  afterAll(() => running.stop());

  test("is valid OpenAPI 3.1", async () => {
    const document = (await (await fetch(`${running.url}/openapi.json`)).json()) as { openapi: string };
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
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
