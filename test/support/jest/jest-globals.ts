declare global {
  /** By name. Each test file has its own. */
  var usermeshJestGlobals: object;
}

/** Stands for a global of `@jest/globals` in modules that outlive the test file that imported them first. */
function currentGlobal(name: string): unknown {
  const current = () => Reflect.get(globalThis.usermeshJestGlobals, name);
  return new Proxy(() => undefined, {
    apply: (_target, _this, args) => current()(...args),
    get: (_target, key) => current()[key],
  });
}

export const afterAll = currentGlobal("afterAll");
export const afterEach = currentGlobal("afterEach");
export const beforeAll = currentGlobal("beforeAll");
export const beforeEach = currentGlobal("beforeEach");
export const describe = currentGlobal("describe");
export const expect = currentGlobal("expect");
export const jest = currentGlobal("jest");
export const test = currentGlobal("test");
