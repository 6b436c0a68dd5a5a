# The pods' image where a registry is reached; build-node-image makes the same from Debian packages.
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends iproute2 iptables nftables ipset conntrack ethtool \
    iputils-ping tcpdump iperf3 netcat-openbsd bind9-dnsutils curl procps kmod jq busybox-static && rm -rf /var/lib/apt/lists/*
