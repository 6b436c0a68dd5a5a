package io.flannelj.doctor;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version of Linux.
 *
 * @param patch 0 where the kernel does not say
 */
record KernelVersion(int major, int minor, int patch) implements Comparable<KernelVersion> {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})(?:\\.(\\d{1,4}))?.*", Pattern.DOTALL);
    private static final Comparator<KernelVersion> ORDER = Comparator.comparingInt(KernelVersion::major)
            .thenComparingInt(KernelVersion::minor)
            .thenComparingInt(KernelVersion::patch);

    /** The oldest with UDP segmentation and receive offload both (UDP_SEGMENT 4.18, UDP_GRO 5.0). */
    static final KernelVersion WITH_OFFLOADS = new KernelVersion(5, 0, 0);

    /** Reads what uname(2) says, e.g. {@code 6.8.0-56-generic}. */
    static Optional<KernelVersion> parse(String release) {
        Matcher matcher = TEXT.matcher(release);
        return matcher.matches()
                ? Optional.of(new KernelVersion(
                        Integer.parseInt(matcher.group(1)),
                        Integer.parseInt(matcher.group(2)),
                        matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3))))
                : Optional.empty();
    }

    /**
     * What is wrong with it for tunnels in user space, with the remedy behind a semicolon; empty when nothing is known to be.
     *
     * <p>Linux 7.0 to 7.1.4 damages the last datagram of a UDP_SEGMENT run of equal lengths (tailscale#19777); 6.6.44 refuses some
     * that are right (tailscale#13041). Distributions may have mended either under the same number.
     */
    Optional<String> fault() {
        if (compareTo(new KernelVersion(7, 0, 0)) >= 0 && compareTo(new KernelVersion(7, 1, 5)) < 0) {
            return Optional.of("Linux " + this
                    + " damages UDP datagrams that it cuts itself on some network cards: pings pass, TCP collapses; update to"
                    + " 7.1.5 or newer, or ethtool -K UPLINK tx-udp-segmentation off");
        }
        if (equals(new KernelVersion(6, 6, 44))) {
            return Optional.of("Linux 6.6.44 refuses some packets with segmentation offload that are right; update it");
        }
        return Optional.empty();
    }

    @Override
    public int compareTo(KernelVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
