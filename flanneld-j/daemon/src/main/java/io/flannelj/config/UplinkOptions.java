package io.flannelj.config;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which interface leads to the other nodes, and under which addresses they know this one.
 *
 * @param interfaces {@code --iface}, names or addresses, tried in order
 * @param interfacePatterns {@code --iface-regex}, tried in order after them
 * @param canReach {@code --iface-can-reach}: the interface that the kernel would use towards it; null when not given
 * @param publicIps {@code --public-ip} and {@code --public-ipv6}, as far as they are given
 */
public record UplinkOptions(
        List<String> interfaces,
        List<String> interfacePatterns,
        @Nullable IpAddress canReach,
        PerFamily<IpAddress> publicIps) {
    public UplinkOptions {
        interfaces = List.copyOf(interfaces);
        interfacePatterns = List.copyOf(interfacePatterns);
    }

    /** Checks what was given and notes every problem; empty texts mean "not given". */
    public static UplinkOptions of(
            List<String> interfaces,
            List<String> interfacePatterns,
            String canReach,
            String publicIp,
            String publicIpv6,
            Problems problems) {
        for (String pattern : interfacePatterns) {
            problems.unless(isPattern(pattern), "--iface-regex", "\"" + pattern + "\" is not a regular expression");
        }
        PerFamily<IpAddress> publicIps =
                PerFamily.of(family -> address(family, family == IpFamily.IPV4 ? publicIp : publicIpv6, problems));
        return new UplinkOptions(
                interfaces, interfacePatterns, problems.address("--iface-can-reach", canReach), publicIps);
    }

    private static Optional<IpAddress> address(IpFamily family, String text, Problems problems) {
        IpAddress address = problems.address(publicIpFlag(family), text);
        problems.unless(
                address == null || address.family() == family,
                publicIpFlag(family),
                "must be an " + family + " address; use " + publicIpFlag(family.other()));
        return Optional.ofNullable(address);
    }

    /** The flag that sets the public address of a family. */
    public static String publicIpFlag(IpFamily family) {
        return family == IpFamily.IPV4 ? "--public-ip" : "--public-ipv6";
    }

    /** The same, but known to the others by other addresses, where there are any. */
    public UplinkOptions withPublicIps(PerFamily<IpAddress> others) {
        return new UplinkOptions(interfaces, interfacePatterns, canReach, others.orElse(publicIps));
    }

    private static boolean isPattern(String text) {
        try {
            Pattern.compile(text);
            return true;
        } catch (PatternSyntaxException e) {
            return false;
        }
    }
}
