# syntax=docker/dockerfile:1
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production \
    APP_HOST=0.0.0.0 \
    NODE_HEALTH_HOST=0.0.0.0 \
    NODE_HEALTH_PORT=3001
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json moleculer.config.ts ./
COPY lib ./lib
COPY mixins ./mixins
COPY scripts ./scripts
COPY services ./services
COPY workers ./workers
USER node
EXPOSE 3000 3001
# SERVICES names the services and workers of this container. Without npm in between, Node receives the signals.
CMD ["node", "--require", "./scripts/environment.cjs", "scripts/node.ts"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3001/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
