package io.flannelj.recorder;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * A change and when it was seen, as one line of JSON.
 *
 * @param repeats whether it only repeats what an earlier file has, so that this file can be read without it
 */
public record Event(Instant at, Change change, boolean repeats) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** One line, without its end. */
    String line() {
        ObjectNode line = JSON.createObjectNode().put("at", at.toString());
        if (repeats) {
            line.put("repeats", true);
        }
        if (change instanceof Change.Started started) {
            line.put("event", "started").put("version", started.version());
        } else if (change instanceof Change.Stopped) {
            line.put("event", "stopped");
        } else if (change instanceof Change.Network network) {
            line.put("event", "network").put("text", network.text());
        } else if (change instanceof Change.Lease lease) {
            line.put("event", "lease")
                    .put("subnet", lease.own().subnet())
                    .put("state", lease.own().state().name().toLowerCase(Locale.ROOT))
                    .put("ends", lease.own().ends());
        } else if (change instanceof Change.PeerIs is) {
            line.put("event", "peer")
                    .put("key", is.key())
                    .put("subnet", is.peer().subnet())
                    .put("node", is.peer().node())
                    .put("backend", is.peer().backend())
                    .put("problem", is.peer().problem());
        } else if (change instanceof Change.PeerGone gone) {
            line.put("event", "peer_gone").put("key", gone.key());
        } else if (change instanceof Change.Trouble trouble) {
            line.put("event", "trouble").put("text", trouble.text());
        }
        return line.toString();
    }

    /** Reads a line; empty when it is none of ours, as the last one after a power failure. */
    static Optional<Event> parse(String text) {
        try {
            JsonNode line = JSON.readTree(text);
            Instant at = Instant.parse(line.path("at").asText());
            return change(line)
                    .map(change -> new Event(at, change, line.path("repeats").asBoolean()));
        } catch (JsonProcessingException | DateTimeException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Optional<Change> change(JsonNode line) {
        return Optional.ofNullable(
                switch (line.path("event").asText()) {
                    case "started" -> new Change.Started(line.path("version").asText());
                    case "stopped" -> new Change.Stopped();
                    case "network" -> new Change.Network(line.path("text").asText());
                    case "lease" ->
                        new Change.Lease(new Facts.Own(
                                line.path("subnet").asText(),
                                Facts.Own.State.valueOf(
                                        line.path("state").asText().toUpperCase(Locale.ROOT)),
                                line.path("ends").asText()));
                    case "peer" ->
                        new Change.PeerIs(
                                line.path("key").asText(),
                                new Facts.Peer(
                                        line.path("subnet").asText(),
                                        line.path("node").asText(),
                                        line.path("backend").asText(),
                                        line.path("problem").asText()));
                    case "peer_gone" -> new Change.PeerGone(line.path("key").asText());
                    case "trouble" -> new Change.Trouble(line.path("text").asText());
                    default -> null;
                });
    }
}
