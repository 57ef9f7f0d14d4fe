/** Who may import whom. The reasons are in CONTRIBUTING.md. */
const service = "^services/([^/]+)/";

module.exports = {
  forbidden: [
    {
      name: "services-meet-at-contracts",
      comment: "A service knows of another its contract and nothing else.",
      severity: "error",
      from: { path: service },
      to: { path: "^services/", pathNot: ["^services/$1/", "\\.contract\\.ts$"] },
    },
    {
      name: "services-stand-on-mixins-and-lib",
      severity: "error",
      from: { path: "^services/" },
      to: { path: "^(workers|scripts|test)/|^moleculer\\.config\\.ts$" },
    },
    {
      name: "lib-stands-alone",
      comment: "lib/ has no broker's services in it; only its map of actions knows the contracts.",
      severity: "error",
      from: { path: "^lib/" },
      to: { path: "^(mixins|services|workers|scripts|test)/", pathNot: "\\.contract\\.ts$" },
    },
    {
      name: "contracts-only-in-the-map",
      severity: "error",
      from: { path: "^lib/", pathNot: "^lib/actions/typed-call\\.ts$" },
      to: { path: "^services/" },
    },
    {
      name: "lib-runtime-and-crypto-at-the-bottom",
      comment:
        "They know nothing of actions, events or databases; the platform, which puts all together, is the exception.",
      severity: "error",
      from: { path: "^lib/(runtime|crypto)/", pathNot: "platform\\.ts$" },
      to: { path: "^lib/", pathNot: "^lib/(runtime|crypto)/" },
    },
    {
      name: "mixins-stand-on-lib",
      severity: "error",
      from: { path: "^mixins/" },
      to: { path: "^(services|workers|scripts|test)/", pathNot: "\\.contract\\.ts$" },
    },
    {
      name: "workers-call-actions",
      severity: "error",
      from: { path: "^workers/" },
      to: { path: "^(services|scripts|test)/", pathNot: "\\.contract\\.ts$" },
    },
    {
      name: "contracts-are-values",
      comment: "A contract says what others may know; it pulls no code along.",
      severity: "error",
      from: { path: "\\.contract\\.ts$" },
      to: {
        path: "^(services|lib|mixins)/",
        pathNot: ["\\.contract\\.ts$", "^lib/actions/(contract|schemas|caller)\\.ts$"],
      },
    },
    {
      name: "repos-speak-sql",
      comment: "A repo knows no other use case; a use case sees no HTTP.",
      severity: "error",
      from: { path: "\\.repo\\.ts$" },
      to: { path: service, pathNot: ["\\.(entities|repo|contract)\\.ts$", "^lib/", "^mixins/"] },
    },
    {
      name: "no-cycles",
      comment: "Imports of types count: a cycle of types couples two files just the same.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-dev-packages-in-services",
      comment:
        "The image has no dev dependencies; servers of local runs are loaded on demand by scripts/local-servers.",
      severity: "error",
      from: { path: "^(services|mixins|workers|lib)/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(node_modules|coverage|\\.data)" },
    // swc sees imports of types too. tsPreCompilationDeps would need TypeScript's compiler API, which 7.0 does not have.
    parser: "swc",
    enhancedResolveOptions: { extensions: [".ts", ".js", ".json"], conditionNames: ["import", "node", "default"] },
  },
};
