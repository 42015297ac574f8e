# One replica. docs/deploying.md says how several become an ensemble; docker-compose.yml is one.
#
#   docker build --tag chronokeeper:0.1.0 .
#   docker run --env CK_AUDIT_URL=postgresql://… --env CK_GRPC_PLAINTEXT=true --volume chronokeeper:/var/lib/chronokeeper --publish 2181:2181 chronokeeper:0.1.0
#
# Others reach its gRPC port, so it needs certificates (CK_GRPC_TLS_CERT, CK_GRPC_TLS_KEY; docs/security.md) or, where nobody can listen to the network,
# CK_GRPC_PLAINTEXT=true.
# PostgreSQL is not in it: without CK_AUDIT_URL a replica serves, and says that its mirror is away.

FROM node:24.11.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY apps ./apps
COPY libs ./libs
COPY migrations ./migrations
RUN npm run build
# What compiles and tests goes, the embedded PostgreSQL too. The Node that runs a replica is a dependency like others and stays.
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM debian:12.12-slim
RUN groupadd --gid 10001 chronokeeper \
	&& useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/chronokeeper --shell /usr/sbin/nologin chronokeeper \
	&& install --directory --owner=chronokeeper --group=chronokeeper --mode=0750 /var/lib/chronokeeper
WORKDIR /opt/chronokeeper
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY deploy/health.mjs ./deploy/
# A container's loopback is reached by nobody else.
ENV PATH=/opt/chronokeeper/node_modules/.bin:/usr/local/bin:/usr/bin:/bin \
	NODE_ENV=production \
	CK_DATA_DIR=/var/lib/chronokeeper \
	CK_CLIENT_PORT_ADDRESS=0.0.0.0 \
	CK_GRPC_ADDRESS=0.0.0.0 \
	CK_HTTP_ADDRESS=0.0.0.0 \
	CK_LOG_FORMAT=json
USER 10001:10001
VOLUME ["/var/lib/chronokeeper"]
# ZooKeeper's clients, learners, elections, gRPC, HTTP
EXPOSE 2181 2888 3888 50051 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 CMD ["node", "deploy/health.mjs"]
CMD ["node", "--max-semi-space-size=32", "--no-parallel-scavenge", "--enable-source-maps", "dist/apps/server/main.js"]
