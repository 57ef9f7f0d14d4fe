/**
 * What a container runs: a node of the mesh of NATS_URL. Outside production and without a bus, it is everything in one process,
 * as with `npm start`, so that `docker run` with a database, a secret and a mail server is a working installation to try.
 */
const { NODE_ENV = "", NATS_URL, SERVICES } = process.env;
const isSingleProcess = NODE_ENV.trim().toLowerCase() !== "production" && !NATS_URL && !SERVICES;

await import(isSingleProcess ? "./start.ts" : "./node.ts");
