package io.flannelj.netlink;

import io.flannelj.net.IpAddress;

/** Address families as numbers. */
final class Family {
    static final int IPV4 = 2;
    static final int BRIDGE = 7;
    static final int IPV6 = 10;

    private Family() {}

    static int of(IpAddress address) {
        return address.isIpv4() ? IPV4 : IPV6;
    }
}
