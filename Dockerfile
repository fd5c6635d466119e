# One image for each of a service's three binaries: docker build --target order-api .
#
# Built on Debian, shipped on nothing: a final image holds one binary, the libraries it needs with
# their licences, CA certificates and one user. No shell, no package manager, nothing to write to.
# docs/deployment.md says how to run them; docs/decisions/0038-images-from-nothing.md says why.
# ./cartwheel services --write makes the stages of all services from the pattern in #%.

# Debian 13; for 12: --build-arg BASE=debian:bookworm-slim
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
# "upgrade", because libraries that the base brings along (libc) are shipped too.
RUN apt-get update \
    && apt-get upgrade -y \
    && apt-get install -y --no-install-recommends \
        ca-certificates gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev \
        libmicrohttpd-dev libgnutls28-dev libpq-dev librabbitmq-dev libssl-dev libjansson-dev libcurl4-openssl-dev \
        libcjose-dev libidn2-dev python3-yaml \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY meson.build meson_options.txt ./
COPY tools/build tools/build
COPY docs/api docs/api
COPY chassis chassis
COPY services services
# The launcher's compiler flags, hardening included (meson.build), without its debug information.
RUN meson setup /build --buildtype=release --optimization=2 -Dtests=false && ninja -C /build
COPY deploy/images/assemble.sh deploy/images/
RUN deploy/images/assemble.sh /build /image

FROM scratch AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Cartwheel" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/common /
USER 10001:10001

# The health check is the binary itself: it asks the process at the same ADMIN_LISTEN.

#% FROM runtime AS @service@-api
#% LABEL org.opencontainers.image.title="@service@-api"
#% LABEL org.opencontainers.image.description="The HTTP API of the @service@ service"
#% COPY --from=build /image/@service@-api /
#% ENV HTTP_LISTEN=0.0.0.0:@api_port@ ADMIN_LISTEN=0.0.0.0:@api_admin_port@
#% EXPOSE @api_port@ @api_admin_port@
#% HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/@service@-api", "--health"]
#% ENTRYPOINT ["/usr/bin/@service@-api"]
#%
#% FROM runtime AS @service@-worker
#% LABEL org.opencontainers.image.title="@service@-worker"
#% LABEL org.opencontainers.image.description="Consumes and publishes the events of the @service@ service"
#% COPY --from=build /image/@service@-worker /
#% ENV ADMIN_LISTEN=0.0.0.0:@worker_admin_port@
#% EXPOSE @worker_admin_port@
#% HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/@service@-worker", "--health"]
#% ENTRYPOINT ["/usr/bin/@service@-worker"]
#%
#% FROM runtime AS @service@-migrator
#% LABEL org.opencontainers.image.title="@service@-migrator"
#% LABEL org.opencontainers.image.description="Applies the @service@ migrations, declares queues, exits"
#% COPY --from=build /image/@service@-migrator /
#% ENTRYPOINT ["/usr/bin/@service@-migrator"]
#%
FROM runtime AS order-api
LABEL org.opencontainers.image.title="order-api"
LABEL org.opencontainers.image.description="The HTTP API of the order service"
COPY --from=build /image/order-api /
ENV HTTP_LISTEN=0.0.0.0:5001 ADMIN_LISTEN=0.0.0.0:6001
EXPOSE 5001 6001
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/order-api", "--health"]
ENTRYPOINT ["/usr/bin/order-api"]

FROM runtime AS order-worker
LABEL org.opencontainers.image.title="order-worker"
LABEL org.opencontainers.image.description="Consumes and publishes the events of the order service"
COPY --from=build /image/order-worker /
ENV ADMIN_LISTEN=0.0.0.0:6011
EXPOSE 6011
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/order-worker", "--health"]
ENTRYPOINT ["/usr/bin/order-worker"]

FROM runtime AS order-migrator
LABEL org.opencontainers.image.title="order-migrator"
LABEL org.opencontainers.image.description="Applies the order migrations, declares queues, exits"
COPY --from=build /image/order-migrator /
ENTRYPOINT ["/usr/bin/order-migrator"]

FROM runtime AS stock-api
LABEL org.opencontainers.image.title="stock-api"
LABEL org.opencontainers.image.description="The HTTP API of the stock service"
COPY --from=build /image/stock-api /
ENV HTTP_LISTEN=0.0.0.0:5002 ADMIN_LISTEN=0.0.0.0:6002
EXPOSE 5002 6002
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/stock-api", "--health"]
ENTRYPOINT ["/usr/bin/stock-api"]

FROM runtime AS stock-worker
LABEL org.opencontainers.image.title="stock-worker"
LABEL org.opencontainers.image.description="Consumes and publishes the events of the stock service"
COPY --from=build /image/stock-worker /
ENV ADMIN_LISTEN=0.0.0.0:6012
EXPOSE 6012
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/stock-worker", "--health"]
ENTRYPOINT ["/usr/bin/stock-worker"]

FROM runtime AS stock-migrator
LABEL org.opencontainers.image.title="stock-migrator"
LABEL org.opencontainers.image.description="Applies the stock migrations, declares queues, exits"
COPY --from=build /image/stock-migrator /
ENTRYPOINT ["/usr/bin/stock-migrator"]

FROM runtime AS notification-api
LABEL org.opencontainers.image.title="notification-api"
LABEL org.opencontainers.image.description="The HTTP API of the notification service"
COPY --from=build /image/notification-api /
ENV HTTP_LISTEN=0.0.0.0:5003 ADMIN_LISTEN=0.0.0.0:6003
EXPOSE 5003 6003
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/notification-api", "--health"]
ENTRYPOINT ["/usr/bin/notification-api"]

FROM runtime AS notification-worker
LABEL org.opencontainers.image.title="notification-worker"
LABEL org.opencontainers.image.description="Consumes and publishes the events of the notification service"
COPY --from=build /image/notification-worker /
ENV ADMIN_LISTEN=0.0.0.0:6013
EXPOSE 6013
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/notification-worker", "--health"]
ENTRYPOINT ["/usr/bin/notification-worker"]

FROM runtime AS notification-migrator
LABEL org.opencontainers.image.title="notification-migrator"
LABEL org.opencontainers.image.description="Applies the notification migrations, declares queues, exits"
COPY --from=build /image/notification-migrator /
ENTRYPOINT ["/usr/bin/notification-migrator"]

#% end
