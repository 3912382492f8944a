# Chartroom as an image: without root, on a read-only root file system.
#
#   docker build --tag chartroom .
#   docker run --rm --volume chartroom-config:/etc/chartroom --volume chartroom-storage:/data/storage \
#     --volume chartroom-certs:/data/certs chartroom init --name charts.example.com
#   docker run --read-only --publish 8443:8443 --volume chartroom-config:/etc/chartroom:ro \
#     --volume chartroom-storage:/data/storage --volume chartroom-certs:/data/certs chartroom
#
# scripts/try-image.sh builds and tries it.

# Node 24 and npm on glibc. Give a digest for a build that can be repeated.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are the Node of those who have another one; here it is the base image's.
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=optional
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM ${NODE_IMAGE}
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="Chartroom" \
      org.opencontainers.image.description="An mTLS-authenticated Helm chart repository server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY package.json LICENSE /app/

# New named volumes take their owner from here.
RUN install -d -o 1000 -g 1000 -m 0700 /data/storage /data/certs /etc/chartroom
VOLUME ["/data/storage", "/data/certs"]

# The folder of chartroom.yaml, which is optional: the CHARTROOM_… variables will do. Variables go before the file, so
# these three settings are changed by variables only. For a kubelet's probes: CHARTROOM_OPS=0.0.0.0:8081.
WORKDIR /etc/chartroom
ENV NODE_ENV=production \
    CHARTROOM_STORAGE=/data/storage \
    CHARTROOM_CERTS=/data/certs \
    CHARTROOM_OPS=127.0.0.1:8081

# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 1000:1000
EXPOSE 8443 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.CHARTROOM_OPS.split(':').pop()}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
