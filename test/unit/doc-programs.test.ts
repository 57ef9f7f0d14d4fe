import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { documentsWithPrograms, withPrograms } from "../../scripts/doc-programs.ts";

const documents = await documentsWithPrograms();

test("guides show programs", () => {
  expect(documents).toContain("clients/moleculer/README.md");
});

test.each(documents)("%s shows the programs that the tests run (else: npm run docs:programs)", async (document) => {
  expect(await readFile(document, "utf8")).toBe(await withPrograms(document));
});
