import { explainMissing, missingPrograms, missingServers } from "./test/support/jest/programs.ts";

const missing = missingPrograms();
if (missing.length > 0 && process.env.CI === "true") throw new Error(explainMissing(missing));
if (missing.length > 0) process.stderr.write(`${explainMissing(missing)} These suites are skipped.\n`);
const skipped =
  missingServers().length > 0
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
  testRunner: "<rootDir>/test/support/jest/test-runner.ts",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", swc] },
  // jest would make CommonJS of it, in which it could not import a test file.
  transformIgnorePatterns: ["/node_modules/", "/test/support/jest/test-runner.ts"],
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  // A release has a package.json of the same name.
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  testPathIgnorePatterns: ["/node_modules/", ...skipped],
  setupFilesAfterEnv: ["<rootDir>/test/support/jest/environment.ts", "<rootDir>/test/support/jest/problem-matcher.ts"],
  ...more,
});

// One PostgreSQL for all of a project's files; each file clones its own database from a migrated template.
const postgres = {
  globalSetup: "<rootDir>/test/support/jest/postgres-setup.ts",
  globalTeardown: "<rootDir>/test/support/jest/postgres-teardown.ts",
};

export default {
  projects: [
    project("unit"),
    project("integration", postgres),
    project("security", postgres),
    project("mesh", { ...postgres, globalSetup: "<rootDir>/test/support/jest/mesh-setup.ts" }),
  ],
  reporters: ["default", "<rootDir>/test/support/jest/run-reporter.ts"],
  testSequencer: "<rootDir>/test/support/jest/test-sequencer.ts",
  // Much of a test is waiting, so that three of them keep two cores busy.
  maxWorkers: 3,
  // With coverage, each test file leaves some 30 MB in its process: after a hundred files, most of a run would be garbage collection.
  workerIdleMemoryLimit: "500MB",
  collectCoverageFrom: [
    "lib/**/*.ts",
    "mixins/**/*.ts",
    "services/**/*.ts",
    "workers/**/*.ts",
    "!services/gateway/ui/**",
  ],
  // v8's counts every file again that a test file before it loaded: minutes by the end of a run.
  coverageProvider: "babel",
  coverageReporters: ["text-summary", "lcovonly"],
};
