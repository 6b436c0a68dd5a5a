package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.PlainText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What probes say of paths, human-readable: columns of the path to a node, and lines on what is not as it should be. */
final class PathTexts {
    private static final String NOTHING = "-";

    private PathTexts() {}

    static String roundTrip(JsonNode path) {
        return path.hasNonNull("rttSmoothedMillis")
                ? String.format(
                        Locale.ROOT, "%.2f ms", path.path("rttSmoothedMillis").asDouble())
                : NOTHING;
    }

    static String loss(JsonNode path) {
        return path.path("probes").asInt() > 0 ? path.path("lossPercent").asInt() + " %" : NOTHING;
    }

    static String mtu(JsonNode path) {
        return path.path("mtu").asInt() > 0 ? path.path("mtu").asText() : NOTHING;
    }

    /** One line for each thing that is wrong, and for each path but the first. */
    static List<String> remarks(JsonNode paths) {
        List<String> remarks = new ArrayList<>();
        for (int i = 0; i < paths.size(); i++) {
            JsonNode path = paths.path(i);
            String which = i == 0 ? "" : text(path, "subnet") + ": ";
            if (i > 0) {
                remarks.add(which + "RTT " + roundTrip(path) + ", loss " + loss(path) + ", MTU " + mtu(path));
            }
            String since = " since " + text(path, "reachSince");
            switch (path.path("reach").asText()) {
                case "silent" ->
                    remarks.add(which + "answers no probe"
                            + (path.path("carriedBy").asText().equals("kernel") ? "" : ", and nothing comes from it,")
                            + since);
                case "not answering" -> remarks.add(which + "answers no probe, though packets come from it," + since);
                default -> {}
            }
            if (path.path("mtu").asInt() > 0
                    && path.path("mtu").asInt() < path.path("tunnelMtu").asInt()) {
                remarks.add(which + "the path is narrower than the tunnel, which takes "
                        + path.path("tunnelMtu").asText());
            }
            if (path.path("segmentation").asText().equals("damages")) {
                remarks.add(which + "segmented runs do not arrive: each datagram is sent by itself, since "
                        + text(path, "segmentationSince"));
            }
            if (path.path("checksum").asText().equals("damages")) {
                remarks.add(which + "datagrams with a UDP checksum do not arrive: they are sent without one, since "
                        + text(path, "checksumSince"));
            }
        }
        return remarks;
    }

    private static String text(JsonNode path, String field) {
        return PlainText.escape(path.path(field).asText());
    }
}
