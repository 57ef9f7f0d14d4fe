/** Who may import whom. The reasons are in CONTRIBUTING.md. */
const service = "^services/([^/]+)/";

module.exports = {
  forbidden: [
    {
      name: "services-know-only-contracts",
      comment: "A service imports only the contracts of other services.",
      severity: "error",
      from: { path: service },
      to: { path: "^services/", pathNot: ["^services/$1/", "\\.contract\\.ts$"] },
    },
    {
      name: "services-import-mixins-and-lib",
      severity: "error",
      from: { path: "^services/" },
      to: { path: "^(workers|scripts|test)/|^moleculer\\.config\\.ts$" },
    },
    {
      name: "lib-imports-only-contracts",
      comment: "lib/ contains no services; only its map of actions knows their contracts.",
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
      name: "lib-foundations",
      comment:
        "runtime and crypto are the bottom of lib; only the platform, which assembles everything, imports the rest.",
      severity: "error",
      from: { path: "^lib/(runtime|crypto)/", pathNot: "platform\\.ts$" },
      to: { path: "^lib/", pathNot: "^lib/(runtime|crypto)/" },
    },
    {
      name: "lib-topics",
      comment: "Actions, the event log and revocation know nothing of databases, queues and metrics.",
      severity: "error",
      from: { path: "^lib/(actions|contracts|events|revocation)/" },
      to: { path: "^lib/(database|queues|observability)/" },
    },
    {
      name: "users-topics",
      comment: "Topics of users that do one thing to an account do not know those that act on whole accounts.",
      severity: "error",
      from: { path: "^services/users/(directory|profile|roles|subscriptions|email-change)/" },
      to: { path: "^services/users/(account|tenants|erasure|transfer)/" },
    },
    {
      name: "auth-topics",
      comment: "Attempts and one-time tokens are counted and spent for the ways to sign in, and know none of them.",
      severity: "error",
      from: { path: "^services/auth/(login-throttle|one-time-tokens)/" },
      to: { path: "^services/auth/(oauth|password|sign-in|signing|transfer)/" },
    },
    {
      name: "transfer-is-a-leaf",
      comment: "Nothing but the service file knows import and export of accounts.",
      severity: "error",
      from: { path: "^services/([^/]+)/", pathNot: "\\.service\\.ts$|/transfer/" },
      to: { path: "^services/$1/transfer/" },
    },
    {
      name: "mixins-import-lib",
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
      comment: "Importing a contract must not load any implementation.",
      severity: "error",
      from: { path: "\\.contract\\.ts$" },
      to: {
        path: "^(services|lib|mixins)/",
        pathNot: ["\\.contract\\.ts$", "^lib/actions/(contract|schemas|caller)\\.ts$"],
      },
    },
    {
      name: "repos-contain-only-sql",
      comment: "A repo imports no use case.",
      severity: "error",
      from: { path: "\\.repo\\.ts$" },
      to: { path: service, pathNot: ["\\.(entities|repo|contract)\\.ts$", "^lib/", "^mixins/"] },
    },
    {
      name: "no-cycles",
      comment: "Including imports of types, which couple files just as much.",
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
