package io.flannelj.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * The subnets of one family that nodes may lease.
 *
 * @param network the whole pod network, network form
 * @param subnetLength prefix length of each node's subnet, in bits
 * @param first lowest subnet, inclusive
 * @param last highest subnet, inclusive
 */
public record SubnetPool(Cidr network, int subnetLength, IpAddress first, IpAddress last) {
    /** A network holds four subnets at least. */
    public static final int FEWEST_SUBNET_BITS = 2;

    /** Reads one family's fields; null, with problems noted, when they do not make a pool. */
    static @Nullable SubnetPool read(JsonFields fields, boolean ipv6, Problems problems) {
        String prefix = ipv6 ? "IPv6" : "";
        int bits = ipv6 ? 128 : 32;
        Cidr network = fields.network(prefix + "Network", ipv6);
        int length = fields.number(prefix + "SubnetLen", 0, 0, bits);
        IpAddress min = fields.address(prefix + "SubnetMin", ipv6);
        IpAddress max = fields.address(prefix + "SubnetMax", ipv6);
        if (network == null) {
            JsonNode given = fields.get(prefix + "Network");
            if (given == null || (given.isTextual() && given.textValue().isEmpty())) {
                problems.add(prefix + "Network", "is missing; it is the range that all pod subnets are cut from");
            }
            return null;
        }
        int longest = bits - 2;
        if (length == 0) {
            int usual = ipv6 ? 64 : 24;
            if (network.length() > bits - 4) {
                problems.add(prefix + "Network", network + " is too small to be cut into subnets");
                return null;
            }
            length = network.length() <= usual - 2 ? usual : network.length() + 2;
        } else if (length > longest) {
            problems.add(prefix + "SubnetLen", "must be at most " + longest + ", was " + length);
            return null;
        } else if (length < network.length() + FEWEST_SUBNET_BITS) {
            problems.add(
                    prefix + "SubnetLen",
                    "must be at least " + (network.length() + FEWEST_SUBNET_BITS) + ", so that " + network
                            + " holds four subnets or more, was " + length);
            return null;
        }
        IpAddress lowest = network.address();
        IpAddress highest = network.lastAddress().masked(length);
        IpAddress first = min == null ? next(lowest, length) : min;
        IpAddress last = max == null ? highest : max;
        checkBound(prefix + "SubnetMin", first, network, length, problems);
        checkBound(prefix + "SubnetMax", last, network, length, problems);
        if (first.compareTo(last) > 0) {
            problems.add(prefix + "SubnetMin", first + " is above " + prefix + "SubnetMax " + last);
        }
        return new SubnetPool(network, length, first, last);
    }

    private static void checkBound(String name, IpAddress bound, Cidr network, int length, Problems problems) {
        if (!network.contains(bound)) {
            problems.add(name, bound + " is not in the network " + network);
        } else if (!bound.masked(length).equals(bound)) {
            problems.add(name, bound + " is not the beginning of a /" + length + " subnet");
        }
    }

    /** The beginning of the subnet after the one that begins at {@code subnet}. */
    static IpAddress next(IpAddress subnet, int length) {
        return new Cidr(subnet, length).lastAddress().plus(1);
    }

    /** For people. */
    public String describe() {
        return "a /" + subnetLength + " from " + first + " to " + last;
    }

    /** Whether nodes may lease {@code subnet}. */
    public boolean offers(Cidr subnet) {
        return subnet.isIpv6() == network.isIpv6()
                && subnet.length() == subnetLength
                && subnet.isNetwork()
                && subnet.address().compareTo(first) >= 0
                && subnet.address().compareTo(last) <= 0;
    }

    /** How many subnets there are; {@link Long#MAX_VALUE} when more than that. */
    public long size() {
        if (network.isIpv4()) {
            long distance = Integer.toUnsignedLong(last.ipv4Bits()) - Integer.toUnsignedLong(first.ipv4Bits());
            return (distance >>> (32 - subnetLength)) + 1;
        }
        int shift = 128 - subnetLength;
        long high = last.highBits()
                - first.highBits()
                - (Long.compareUnsigned(last.lowBits(), first.lowBits()) < 0 ? 1 : 0);
        long low = last.lowBits() - first.lowBits();
        long count = shift >= 64 ? high >>> (shift - 64) : shift == 0 ? low : high << (64 - shift) | low >>> shift;
        boolean fits = shift >= 64 || high >>> Math.min(63, shift) == 0;
        return fits && count >= 0 && count < Long.MAX_VALUE ? count + 1 : Long.MAX_VALUE;
    }

    /** The subnet number {@code index}, counted from the first. */
    public Cidr subnet(long index) {
        if (network.isIpv4()) {
            return new Cidr(IpAddress.ofIpv4((int) (first.ipv4Bits() + (index << (32 - subnetLength)))), subnetLength);
        }
        int shift = 128 - subnetLength;
        long highStep = shift >= 64 ? index << (shift - 64) : shift == 0 ? 0 : index >>> (64 - shift);
        long lowStep = shift >= 64 ? 0 : index << shift;
        IpAddress moved = IpAddress.ofIpv6(first.highBits() + highStep, first.lowBits());
        return new Cidr(addUnsigned(moved, lowStep), subnetLength);
    }

    private static IpAddress addUnsigned(IpAddress address, long step) {
        long low = address.lowBits() + step;
        long carry = Long.compareUnsigned(low, step) < 0 ? 1 : 0;
        return IpAddress.ofIpv6(address.highBits() + carry, low);
    }
}
