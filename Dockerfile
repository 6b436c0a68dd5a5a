# Builds the distribution and lays it out on a small runtime:  docker build -t flanneld-j:VERSION .
# deploy/image/build-local does the same where no registry is reached.
FROM debian:13-slim@sha256:d7e12182ce18b85b93007c1dedf31f2d29e01ccf3182cc4017c709b6259bc132 AS build
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-21-jdk-headless curl ca-certificates binutils gcc libc6-dev
WORKDIR /src
COPY . .
RUN ./mvnw -B -ntp -DskipTests -pl deploy -am package && deploy/image/assemble /out

FROM debian:13-slim@sha256:d7e12182ce18b85b93007c1dedf31f2d29e01ccf3182cc4017c709b6259bc132
COPY deploy/image/packages /tmp/packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(cat /tmp/packages) \
    && rm -rf /var/lib/apt/lists/* /tmp/packages
COPY --from=build /out/ /
ENV JAVA_HOME=/opt/java LANG=C.UTF-8
ARG VERSION=development REVISION= SOURCE=
LABEL org.opencontainers.image.title="flanneld-j" \
      org.opencontainers.image.description="A flannel-compatible overlay network whose data path runs in user space" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
# Halves the time to start; where it is used, for it holds for these very files.
RUN /opt/flanneld-j/bin/flanneld-j --archive --kube-subnet-mgr
# Needs host networking, NET_ADMIN and /dev/net/tun:
#   docker run --network host --cap-add NET_ADMIN --device /dev/net/tun -v /run/flannel:/run/flannel \
#     -v /run/flannel-j:/run/flannel-j -v /var/lib/flannel-j:/var/lib/flannel-j flanneld-j:VERSION --etcd-endpoints …
# In Kubernetes: deploy/kubernetes/flanneld-j.yml, or the chart in deploy/chart/flanneld-j.
ENTRYPOINT ["/opt/flanneld-j/bin/flanneld-j"]
