import { ensureServers, explain } from "./test/support/start/servers.ts";

const missing = ensureServers();
if (missing.length > 0 && process.env.CI === "true") throw new Error(explain(missing));
if (missing.length > 0) process.stderr.write(`${explain(missing)} Left out: the suites over them.\n`);
const left =
  missing.length > 0
    ? ["/test/mesh/", "/integration/durable/", "/integration/local-servers/(nats|redis)", "/security/(secrets|tls)"]
    : [];

const swc = {
  jsc: { parser: { syntax: "typescript" }, target: "es2024" },
  module: { type: "es6" },
  sourceMaps: "inline",
};

const project = (name, more = {}) => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", swc] },
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testPathIgnorePatterns: ["/node_modules/", ...left],
  setupFiles: ["<rootDir>/test/support/start/environment.ts"],
  ...more,
});

// One PostgreSQL for all of a project's files; each file clones its own database from a migrated template.
const postgres = {
  globalSetup: "<rootDir>/test/support/start/postgres-setup.ts",
  globalTeardown: "<rootDir>/test/support/start/postgres-teardown.ts",
};

export default {
  projects: [
    project("unit"),
    project("integration", postgres),
    project("security", postgres),
    project("mesh", postgres),
  ],
  // Most of a test is waiting. More at once would ask the one PostgreSQL for more connections than it has.
  maxWorkers: 2,
  collectCoverageFrom: ["lib/**/*.ts", "mixins/**/*.ts", "services/**/*.ts", "workers/**/*.ts"],
  // v8's counts every file again that a test file before it loaded: minutes by the end of a run.
  coverageProvider: "babel",
  coverageReporters: ["text-summary", "lcovonly"],
};
