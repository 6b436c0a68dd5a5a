package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import java.io.IOException;

/** The address of a kernel's tunnel device, as flannel keeps it. */
public final class ExclusiveAddress {
    private ExclusiveAddress() {}

    /** Our address and no other of its family, except what the kernel makes for the link itself. */
    public static void put(Addresses addresses, int linkIndex, Cidr wanted) throws IOException {
        for (Address address : addresses.list(linkIndex)) {
            if (address.cidr().family() == wanted.family()
                    && !address.cidr().equals(wanted)
                    && !address.cidr().address().isLinkLocal()) {
                addresses.delete(linkIndex, address.cidr());
            }
        }
        addresses.addIfAbsent(linkIndex, wanted);
    }
}
