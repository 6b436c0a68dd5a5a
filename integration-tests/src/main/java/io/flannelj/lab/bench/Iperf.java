package io.flannelj.lab.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Commands;
import io.flannelj.lab.LabException;
import java.util.ArrayList;
import java.util.List;

/** iperf3 between the two pods of a rig. */
final class Iperf {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Iperf() {}

    /**
     * TCP throughput.
     *
     * @param bitsPerSecond as the receiver counted
     */
    record Tcp(double bitsPerSecond, double bytes) {}

    /**
     * UDP as fast as the sender can.
     *
     * @param received packets per second that arrived
     * @param lost part of those sent that did not, 0 to 1
     */
    record Udp(double received, double lost, double packets) {}

    static Tcp tcp(Rig rig, double seconds, int streams, boolean backwards) {
        List<String> more = new ArrayList<>(List.of("-P", String.valueOf(streams)));
        if (backwards) {
            more.add("-R");
        }
        JsonNode received = run(rig, seconds, more).path("end").path("sum_received");
        return new Tcp(
                received.path("bits_per_second").asDouble(),
                received.path("bytes").asDouble());
    }

    static Udp udp(Rig rig, double seconds, int payloadBytes) {
        JsonNode sum = run(rig, seconds, List.of("-u", "-b", "0", "-l", String.valueOf(payloadBytes)))
                .path("end")
                .path("sum");
        double packets = sum.path("packets").asDouble();
        double lost = sum.path("lost_packets").asDouble();
        double received = Math.max(0, packets - lost);
        return new Udp(received / sum.path("seconds").asDouble(), packets == 0 ? 1 : lost / packets, received);
    }

    private static JsonNode run(Rig rig, double seconds, List<String> more) {
        List<String> command =
                new ArrayList<>(List.of("iperf3", "-J", "-c", rig.server().address(), "-t", String.valueOf(seconds)));
        command.addAll(more);
        Commands.Result result = rig.client().run(command.toArray(String[]::new));
        try {
            JsonNode answer = JSON.readTree(result.output());
            if (!result.succeeded() || answer.has("error")) {
                throw new LabException(
                        String.join(" ", command) + ": " + answer.path("error").asText() + result.errors());
            }
            return answer;
        } catch (JsonProcessingException e) {
            throw new LabException("iperf3 answered " + result.output() + result.errors(), e);
        }
    }
}
