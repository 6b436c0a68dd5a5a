package io.flannelj.netlink;

import io.flannelj.net.Cidr;

/**
 * An address of an interface.
 *
 * @param linkIndex the interface
 * @param cidr address and prefix length
 * @param scope 0 is global, 253 link, 254 host
 * @param flags IFA_F_ bits
 */
public record Address(int linkIndex, Cidr cidr, int scope, int flags) {
    private static final int TEMPORARY = 0x01;
    private static final int DUPLICATE = 0x08;
    private static final int DEPRECATED = 0x20;
    private static final int TENTATIVE = 0x40;
    private static final int PERMANENT = 0x80;

    public boolean isPermanent() {
        return (flags & PERMANENT) != 0;
    }

    public boolean isDeprecated() {
        return (flags & DEPRECATED) != 0;
    }

    /** For IPv6: one of those that change for privacy. For IPv4 the same bit marks a secondary address. */
    public boolean isTemporary() {
        return (flags & TEMPORARY) != 0;
    }

    /** Duplicate address detection found another holder. */
    public boolean isDuplicate() {
        return (flags & DUPLICATE) != 0;
    }

    /** Duplicate address detection is not over yet. */
    public boolean isTentative() {
        return (flags & TENTATIVE) != 0;
    }
}
