package io.flannelj.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.Optional;

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

    /** The key of the whole pod network in the network config. */
    public static String networkKey(IpFamily family) {
        return prefix(family) + "Network";
    }

    /** The key of the length of nodes' subnets. */
    public static String lengthKey(IpFamily family) {
        return prefix(family) + "SubnetLen";
    }

    /** The keys of the lowest and the highest subnet, human-readable. */
    public static String boundKeys(IpFamily family) {
        return minKey(family) + " to " + maxKey(family);
    }

    private static String minKey(IpFamily family) {
        return prefix(family) + "SubnetMin";
    }

    private static String maxKey(IpFamily family) {
        return prefix(family) + "SubnetMax";
    }

    private static String prefix(IpFamily family) {
        return family == IpFamily.IPV4 ? "" : "IPv6";
    }

    /** Reads one family's fields; empty, with problems noted, when they do not make a pool. */
    static Optional<SubnetPool> read(JsonFields fields, IpFamily family, Problems problems) {
        int bits = family.bits();
        Cidr network = fields.network(networkKey(family), family);
        int length = fields.number(lengthKey(family), 0, 0, bits);
        IpAddress min = fields.address(minKey(family), family);
        IpAddress max = fields.address(maxKey(family), family);
        if (network == null) {
            JsonNode given = fields.get(networkKey(family));
            if (given == null || (given.isTextual() && given.textValue().isEmpty())) {
                problems.add(networkKey(family), "is missing; it is the range that all pod subnets are cut from");
            }
            return Optional.empty();
        }
        int longest = bits - 2;
        if (length == 0) {
            int usual = family == IpFamily.IPV4 ? 24 : 64;
            if (network.length() > bits - 4) {
                problems.add(networkKey(family), network + " is too small to be cut into subnets");
                return Optional.empty();
            }
            length = network.length() <= usual - 2 ? usual : network.length() + 2;
        } else if (length > longest) {
            problems.add(lengthKey(family), "must be at most " + longest + ", was " + length);
            return Optional.empty();
        } else if (length < network.length() + FEWEST_SUBNET_BITS) {
            problems.add(
                    lengthKey(family),
                    "must be at least " + (network.length() + FEWEST_SUBNET_BITS) + ", so that " + network
                            + " holds four subnets or more, was " + length);
            return Optional.empty();
        }
        IpAddress lowest = network.address();
        IpAddress highest = network.lastAddress().masked(length);
        IpAddress first = min == null ? next(lowest, length) : min;
        IpAddress last = max == null ? highest : max;
        checkBound(minKey(family), first, network, length, problems);
        checkBound(maxKey(family), last, network, length, problems);
        if (first.compareTo(last) > 0) {
            problems.add(minKey(family), first + " is above " + maxKey(family) + " " + last);
        }
        return Optional.of(new SubnetPool(network, length, first, last));
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

    /** Human-readable. */
    public String describe() {
        return "a /" + subnetLength + " from " + first + " to " + last;
    }

    public IpFamily family() {
        return network.family();
    }

    /** The last address of the highest subnet. */
    public IpAddress lastAddress() {
        return new Cidr(last, subnetLength).lastAddress();
    }

    /** Whether nodes may lease {@code subnet}. */
    public boolean offers(Cidr subnet) {
        return subnet.family() == family()
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
