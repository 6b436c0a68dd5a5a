package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses of a subnet may be given.
 *
 * @param subnet in network form
 * @param first lowest, inclusive
 * @param last highest, inclusive
 * @param gateway never given
 */
record AddressRange(Cidr subnet, IpAddress first, IpAddress last, IpAddress gateway) {
    /** The subnet's hosts, narrowed by the configuration; null when it cannot be understood, which is noted. */
    static @Nullable AddressRange parse(Json fields, String field, JsonNode entry) {
        Cidr subnet = fields.cidr(field + ".subnet", entry.path("subnet").asText());
        IpAddress start = fields.address(entry, "rangeStart");
        IpAddress end = fields.address(entry, "rangeEnd");
        IpAddress gateway = fields.address(entry, "gateway");
        if (subnet == null) {
            return null;
        }
        fields.unless(subnet.isNetwork(), field + ".subnet", "must have no host bits, was " + subnet);
        boolean large = subnet.family().bits() - subnet.length() >= 2;
        fields.unless(large, field + ".subnet", "is too small to hand out addresses of: " + subnet);
        if (!subnet.isNetwork() || !large) {
            return null;
        }
        if (gateway != null && !subnet.contains(gateway)) {
            fields.unless(false, field + ".gateway", "must lie in subnet " + subnet + ", was " + gateway);
            return null;
        }
        IpAddress lowest = subnet.gateway().address();
        // As host-local: the last address of an IPv4 subnet is its broadcast address, of an IPv6 one any other.
        IpAddress highest = subnet.isIpv4() ? subnet.lastAddress().plus(-1) : subnet.lastAddress();
        IpAddress first = start == null ? lowest : start;
        IpAddress last = end == null ? highest : end;
        if (!subnet.contains(first) || !subnet.contains(last) || first.compareTo(last) > 0) {
            fields.unless(false, field, "from " + first + " to " + last + " does not lie in subnet " + subnet);
            return null;
        }
        return new AddressRange(
                subnet,
                first.compareTo(lowest) < 0 ? lowest : first,
                last.compareTo(highest) > 0 ? highest : last,
                gateway == null ? lowest : gateway);
    }

    boolean contains(IpAddress address) {
        return subnet.contains(address) && first.compareTo(address) <= 0 && address.compareTo(last) <= 0;
    }

    boolean overlaps(AddressRange other) {
        return subnet.family() == other.subnet.family()
                && first.compareTo(other.last) <= 0
                && other.first.compareTo(last) <= 0;
    }

    @Override
    public String toString() {
        return first + " to " + last;
    }
}
