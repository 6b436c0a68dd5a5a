package io.flannelj.main;

import io.flannelj.datapath.TracePoint;
import io.flannelj.datapath.WatchFilter;
import io.flannelj.net.IpAddress;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which packets a client of the control socket wants: {@code points} (comma-separated, as {@code from_pod,dropped}),
 * {@code peer}, {@code one}, {@code other} (addresses), {@code protocol}, {@code port}, {@code keep} (bytes of each packet) and
 * {@code rate} (packets of each worker in a second). All may be left out.
 *
 * @param filter the same
 */
record WatchRequest(WatchFilter filter) {
    private static final Set<String> KNOWN =
            Set.of("points", "peer", "one", "other", "protocol", "port", "keep", "rate");

    /** @throws IllegalArgumentException names what is not understood */
    static WatchRequest of(Map<String, String> wanted) {
        wanted.keySet().stream()
                .filter(name -> !KNOWN.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException("no such filter: \"" + name + "\"");
                });
        WatchFilter all = WatchFilter.ALL;
        return new WatchRequest(new WatchFilter(
                points(wanted.get("points"), all.points()),
                address(wanted.get("peer")),
                address(wanted.get("one")),
                address(wanted.get("other")),
                number(wanted, "protocol", -1, 255, -1),
                number(wanted, "port", 0, 65_535, 0),
                number(wanted, "keep", 1, all.keptBytes(), all.keptBytes()),
                number(wanted, "rate", 0, 1_000_000, 0)));
    }

    private static Set<TracePoint> points(@Nullable String names, Set<TracePoint> otherwise) {
        if (names == null) {
            return otherwise;
        }
        EnumSet<TracePoint> points = EnumSet.noneOf(TracePoint.class);
        Arrays.stream(names.split(",", -1))
                .forEach(name -> points.add(TracePoint.valueOf(name.toUpperCase(Locale.ROOT))));
        return points;
    }

    private static @Nullable IpAddress address(@Nullable String text) {
        return text == null ? null : IpAddress.parse(text);
    }

    private static int number(Map<String, String> wanted, String name, int least, int most, int otherwise) {
        String text = wanted.get(name);
        if (text == null) {
            return otherwise;
        }
        int number = text.matches("-?[0-9]{1,7}") ? Integer.parseInt(text) : Integer.MIN_VALUE;
        if (number < least || number > most) {
            throw new IllegalArgumentException(name + " is from " + least + " to " + most + ", not \"" + text + "\"");
        }
        return number;
    }
}
