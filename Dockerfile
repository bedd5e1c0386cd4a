# The mesh's images: one build stage, then a target per program (operator, webhook, sidecar, init).
#
# They run on any Debian 12; the end-to-end tests build this file, without any network registry, on a base of their own.
ARG BASE=debian:12-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ccache cmake g++ ninja-build pkg-config \
      libcli11-dev libcpp-httplib-dev libcurl4-openssl-dev libgmock-dev libgtest-dev libnghttp2-dev libre2-dev \
      libspdlog-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev \
 && rm -rf /var/lib/apt/lists/*

FROM toolchain AS build
# What was compiled in a checkout outside, with the same compiler, is found again: see e2e/artifacts.py.
ENV LANG=C.UTF-8 CCACHE_DIR=/ccache CCACHE_BASEDIR=/src CCACHE_NOHASHDIR=1
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY operator operator
COPY webhook webhook
COPY sidecar sidecar
RUN --mount=type=cache,id=tulle-ccache,target=/ccache \
    cmake --preset release > /dev/null \
 && cmake --build --preset release --target tulle-operator tulle-webhook tulle-sidecar tulle-init \
 && mkdir /programs \
 && for program in operator webhook sidecar init; do \
      strip --strip-debug -o /programs/tulle-$program build/release/bin/tulle-$program || exit 1; \
    done

# It needs nothing but the C library: cmake/TulleStatic.cmake.
FROM ${BASE} AS sidecar
COPY --from=build /programs/tulle-sidecar /usr/local/bin/
USER 1337:1337
ENTRYPOINT ["/usr/local/bin/tulle-sidecar"]

FROM ${BASE} AS init
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /programs/tulle-init /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/tulle-init"]

# What the two that talk to the API server have in common.
FROM ${BASE} AS control-plane
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libcpp-httplib0.11 libcurl4 libfmt9 libnghttp2-14 libre2-9 libspdlog1.10 libssl3 libyaml-cpp0.7 \
 && rm -rf /var/lib/apt/lists/*

FROM control-plane AS operator
COPY --from=build /programs/tulle-operator /usr/local/bin/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tulle-operator"]

FROM control-plane AS webhook
COPY --from=build /programs/tulle-webhook /usr/local/bin/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tulle-webhook"]
