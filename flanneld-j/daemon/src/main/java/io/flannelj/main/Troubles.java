package io.flannelj.main;

import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What is wrong though we run, by what it is about; human-readable. Confined to the control thread. */
final class Troubles {
    private final Map<Topic, String> texts = new EnumMap<>(Topic.class);

    /** In the order in which they are shown. */
    enum Topic {
        UPLINK,
        BACKEND,
        ROUTES,
        FIREWALL,
        FORWARDING,
        CONFIG
    }

    /** From now on this is wrong; empty for nothing. */
    void set(Topic topic, String text) {
        texts.put(topic, text);
    }

    /** All of them on one line; empty when nothing is wrong. */
    String text() {
        return texts.values().stream().filter(text -> !text.isEmpty()).collect(Collectors.joining("; "));
    }
}
