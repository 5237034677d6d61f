# One image for every role: agent, router, metrics, and PostgreSQL's own programs.
#
#   docker build -t howdah .                                   PostgreSQL 18
#   docker build -t howdah --build-arg POSTGRES_MAJOR=16 .
#   docker run howdah                                          a server for trying it
#
# PostgreSQL comes from the PostgreSQL project's Debian packages where they are in reach, else from Debian's own.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
# Compiled here once: the root file system is read-only later. Not by time, so that the same source gives the same files.
RUN python3 -m venv /opt/howdah \
 && /opt/howdah/bin/pip install --quiet --no-cache-dir --no-compile /source \
 && /opt/howdah/bin/pip uninstall --quiet --yes pip setuptools \
 && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/howdah/lib

FROM ${BASE}
ARG POSTGRES_MAJOR=18
# libnss-extrausers: PostgreSQL wants a name for the user id that it runs as, whichever that is.
RUN set -e; export DEBIAN_FRONTEND=noninteractive; \
    mkdir -p /etc/postgresql-common; \
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; \
    apt-get update -q; \
    apt-get install -y -q --no-install-recommends ca-certificates libnss-extrausers locales postgresql-common python3; \
    . /etc/os-release; \
    echo "deb [signed-by=/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc] https://apt.postgresql.org/pub/repos/apt ${VERSION_CODENAME}-pgdg main" \
        >/etc/apt/sources.list.d/pgdg.list; \
    apt-get update -q -o APT::Update::Error-Mode=any || { rm /etc/apt/sources.list.d/pgdg.list; apt-get update -q; }; \
    apt-get install -y -q --no-install-recommends \
        "postgresql-${POSTGRES_MAJOR}" "postgresql-client-${POSTGRES_MAJOR}" "postgresql-${POSTGRES_MAJOR}-pgaudit"; \
    sed -i 's/^# *\(en_US.UTF-8\)/\1/' /etc/locale.gen; locale-gen >/dev/null; \
    sed -i 's/^passwd:.*/passwd: files extrausers/; s/^group:.*/group: files extrausers/' /etc/nsswitch.conf; \
    # Compiling queries (JIT) needs LLVM, a quarter of the image; PostgreSQL goes without it when it is not there.
    rm -f /usr/lib/*/libLLVM-*.so* "/usr/lib/postgresql/${POSTGRES_MAJOR}/lib/llvmjit.so"; \
    # Nobody reads messages in other languages here, nor what locales are made of.
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/aux-cache /var/log/apt \
        /var/log/*.log /usr/share/doc /usr/share/man /usr/share/locale /usr/share/i18n /usr/share/info
COPY --from=build /opt/howdah /opt/howdah
COPY tools/sbom.py /tmp/sbom.py
# 1001 is the user of the images that Howdah takes over from. Any other works too; its group should be 0.
RUN groupadd --gid 1001 howdah \
 && useradd --uid 1001 --gid 1001 --groups 0 --home-dir /tmp --no-create-home --shell /bin/bash howdah \
 && install -d -o 1001 -g 0 -m 0770 /bitnami/postgresql /var/lib/extrausers /var/lib/howdah \
 && install -d -m 0755 /etc/howdah /usr/share/howdah \
 && /opt/howdah/bin/python /tmp/sbom.py >/usr/share/howdah/sbom.cdx.json && rm /tmp/sbom.py

ENV PATH=/opt/howdah/bin:/usr/lib/postgresql/${POSTGRES_MAJOR}/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 PYTHONUNBUFFERED=1 HOWDAH_DATA=/var/lib/howdah/data
LABEL org.opencontainers.image.title="Howdah" \
      org.opencontainers.image.description="Highly available PostgreSQL: agent, router and PostgreSQL's programs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      howdah.postgresql.major="${POSTGRES_MAJOR}" \
      howdah.sbom="/usr/share/howdah/sbom.cdx.json"
USER 1001
WORKDIR /tmp
ENTRYPOINT ["howdah"]
CMD ["up", "--nodes", "1"]
