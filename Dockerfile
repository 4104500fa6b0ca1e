# docker build -t nodekeeper .
#
# The image keeps the contract of the official zookeeper image: the same user, folders, ports, ZOO_* variables,
# entrypoint and command. What its entrypoint script does is done by `nodekeeper container` (src/cli/container.ts).

FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY jute/package.json jute/
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:26-bookworm-slim

ENV ZOO_CONF_DIR=/conf \
    ZOO_DATA_DIR=/data \
    ZOO_DATA_LOG_DIR=/datalog \
    ZOO_LOG_DIR=/logs \
    ZOO_TICK_TIME=2000 \
    ZOO_INIT_LIMIT=5 \
    ZOO_SYNC_LIMIT=2 \
    ZOO_AUTOPURGE_PURGEINTERVAL=0 \
    ZOO_AUTOPURGE_SNAPRETAINCOUNT=3 \
    ZOO_MAX_CLIENT_CNXNS=60 \
    ZOO_STANDALONE_ENABLED=true \
    ZOO_ADMINSERVER_ENABLED=true \
    ZOOCFGDIR=/conf

# nc and wget are what health checks call. The base image has a user of its own with uid 1000, which is zookeeper's here.
RUN set -eux; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends netcat-openbsd wget; \
    rm -rf /var/lib/apt/lists/*; \
    userdel --remove node; \
    if getent group node; then groupdel node; fi; \
    groupadd --system --gid 1000 zookeeper; \
    useradd --system --gid zookeeper --uid 1000 zookeeper; \
    mkdir -p "$ZOO_DATA_LOG_DIR" "$ZOO_DATA_DIR" "$ZOO_CONF_DIR" "$ZOO_LOG_DIR"; \
    chown zookeeper:zookeeper "$ZOO_DATA_LOG_DIR" "$ZOO_DATA_DIR" "$ZOO_CONF_DIR" "$ZOO_LOG_DIR"

WORKDIR /nodekeeper
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/dist ./dist

# Two names and no logic: the command, and the entrypoint under the path that compose files may name. The last line
# proves that the server loads, and leaves its compiled code where the next start finds it.
RUN set -eux; \
    printf '#!/bin/sh\nexec node /nodekeeper/dist/nodekeeper.js "$@"\n' > /usr/local/bin/nodekeeper; \
    printf '#!/bin/sh\nexec nodekeeper container "$@"\n' > /docker-entrypoint.sh; \
    chmod 755 /usr/local/bin/nodekeeper /docker-entrypoint.sh; \
    nodekeeper --version

VOLUME ["$ZOO_DATA_DIR", "$ZOO_DATA_LOG_DIR", "$ZOO_LOG_DIR"]

EXPOSE 2181 2888 3888 8080

ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["zkServer.sh", "start-foreground"]
