# syntax=docker/dockerfile:1
# A release builds with the digest that the tag has then (.github/workflows/release.yml), and records it in its provenance.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script: packages with native code contain it prebuilt.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    APP_HOST=0.0.0.0 \
    NODE_HEALTH_HOST=0.0.0.0 \
    NODE_HEALTH_PORT=3001
WORKDIR /app
# The bundles, the files that they read, and the packages that can't be bundled (docs/decisions/023).
COPY --from=build /app/dist ./
# Filled now, because the user `node` may not write to the cache of compiled code.
RUN node --require ./scripts/compile-cache.cjs scripts/fill-compile-cache.js
# For a container that runs everything without NATS (development), and for LOG_FILE, which a profile of defaults may set.
RUN mkdir .data logs && chown node:node .data logs
USER node
EXPOSE 3000 3001
# SERVICES names the services and workers of this container, a node of the mesh of NATS_URL. Without npm in between, Node receives the signals.
CMD ["node", "--max-semi-space-size=8", "--max-old-space-size=256", "--require", "./scripts/environment.cjs", "scripts/container.js"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3001/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
