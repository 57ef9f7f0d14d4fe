import { createRequire, flushCompileCache, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import "../../../scripts/compile-cache.cjs"; // jest replaces its processes when they have grown, and each loads everything again

const require = createRequire(import.meta.url);
const runWithCircus: (...parts: readonly unknown[]) => Promise<unknown> = require("jest-circus/runner").default;
const globalsUrl = new URL("jest-globals.ts", import.meta.url).href;

interface GlobalConfig {
  readonly collectCoverage: boolean;
  readonly watch: boolean;
  readonly watchAll: boolean;
}

interface Environment {
  readonly global: object;
}

/** The part of jest-runtime that jest-circus uses to load modules. */
interface Runtime {
  requireInternalModule(path: string): unknown;
  requireModuleOrMock(from: string, name: string): { readonly jest: object };
  setGlobalsForRuntime(globals: object): void;
  unstable_importModule(path: string): Promise<unknown>;
  unstable_shouldLoadAsEsm(path: string): boolean;
}

/**
 * A `testRunner` of jest: jest-circus, but Node.js loads what a test file imports, once for all files that a process runs.
 * jest's own loader gives each file new copies of all modules in a global scope of their own, whose code is compiled again
 * and runs cold: that took two fifths of the processor time of jest's processes. It is still used for coverage, which needs
 * instrumented code, and while jest watches for changes.
 */
export default async function runTestFile(
  globalConfig: GlobalConfig,
  config: object,
  environment: Environment,
  runtime: Runtime,
  testPath: string,
  sendMessageToJest: unknown,
): Promise<unknown> {
  const { collectCoverage, watch, watchAll } = globalConfig;
  if (!collectCoverage && !watch && !watchAll) loadNatively(environment, runtime, testPath);
  const variables = { ...process.env };
  try {
    return await runWithCircus(globalConfig, config, environment, runtime, testPath, sendMessageToJest);
  } finally {
    flushCompileCache(); // jest kills its processes, so Node.js would not write it at their exit
    for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
    Object.assign(process.env, variables);
  }
}

let files = 0;

function loadNatively({ global }: Environment, runtime: Runtime, testPath: string): void {
  if (files === 0) registerHooks({ resolve: resolveGlobals });
  files += 1;
  const query = `?file=${files}`;
  const { setGlobalsForRuntime } = runtime;
  Object.assign(runtime, {
    // jest-circus keeps its state in its module, and its handlers in the global scope.
    requireInternalModule(path) {
      Reflect.deleteProperty(globalThis, Symbol.for("EVENT_HANDLERS"));
      delete require.cache[path];
      return require(path);
    },
    setGlobalsForRuntime(globals) {
      setGlobalsForRuntime.call(runtime, globals);
      const { jest } = runtime.requireModuleOrMock(testPath, "@jest/globals");
      globalThis.usermeshJestGlobals = { ...globals, jest };
    },
    unstable_shouldLoadAsEsm: () => true,
    // Test files, and the files that set jest up for them, run each time. What they import does not.
    async unstable_importModule(path) {
      await import(pathToFileURL(path).href + query);
      copySettings(global);
    },
  } satisfies Partial<Runtime>);
}

const resolveGlobals: Parameters<typeof registerHooks>[0]["resolve"] = (specifier, context, next) =>
  specifier === "@jest/globals" ? { url: globalsUrl, shortCircuit: true } : next(specifier, context);

/** `jest.setTimeout` and `jest.retryTimes` set symbols of the scope that jest's own loader would have used. */
function copySettings(global: object): void {
  for (const key of Object.getOwnPropertySymbols(global))
    Object.defineProperty(globalThis, key, { value: Reflect.get(global, key), writable: true, configurable: true });
}
