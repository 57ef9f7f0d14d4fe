import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openApiDocument } from "../services/gateway/openapi/openapi.ts";
import { routes } from "../services/gateway/routes.ts";

const TYPES = "clients/typescript/src/schema.ts";

/**
 * `npm run client:types`: generates the types of the TypeScript client from the OpenAPI document. The generator is in
 * test/tools, because it does not work with the project's version of TypeScript.
 */
export async function generateClientTypes(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "client-types-"));
  const [input, output] = [join(folder, "openapi.json"), join(folder, "schema.ts")];
  const operations = routes.filter(({ kind, legacy }) => kind !== "page" && legacy === undefined);
  try {
    await writeFile(input, openApiDocument(operations, "https://accounts.example.com"));
    const program = "node_modules/openapi-typescript/bin/cli.js";
    await promisify(execFile)(process.execPath, [program, input, "-o", output], { cwd: "test/tools" });
    return await readFile(output, "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) await writeFile(TYPES, await generateClientTypes());
