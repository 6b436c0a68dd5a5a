# Builds the distribution and puts it on a small runtime:  docker build -t flanneld-j .
FROM debian:13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-21-jdk-headless curl ca-certificates
WORKDIR /src
COPY . .
RUN ./mvnw -B -ntp -DskipTests -pl deploy -am package

FROM debian:13-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends openjdk-21-jre-headless iptables nftables libpcap0.8 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/deploy/target/flanneld-j /opt/flanneld-j
# Needs host networking, NET_ADMIN and /dev/net/tun:
#   docker run --network host --cap-add NET_ADMIN --device /dev/net/tun -v /run/flannel:/run/flannel \
#     -v /run/flannel-j:/run/flannel-j -v /var/lib/flannel-j:/var/lib/flannel-j flanneld-j --etcd-endpoints …
ENTRYPOINT ["/opt/flanneld-j/bin/flanneld-j"]
