package io.flannelj.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.Packets;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PacketLineTest {
    private static String name(IpAddress address) {
        return address.equals(Events.POD) ? "shop/web-1" : address.toString();
    }

    private final PacketLine lines = new PacketLine(PacketLineTest::name, ZoneOffset.UTC, false);

    @Test
    void aLineSaysWhoSendsWhatToWhomAndByWhichNode() {
        assertThat(lines.of(Events.sent(Events.tcp())))
                .matches(
                        "22:13:20\\.123Z sent     shop/web-1:\\d+ → 10\\.5\\.2\\.3:\\d+  TCP (PSH,)?ACK, \\d+ bytes, to"
                                + " 192\\.168\\.0\\.2");
        assertThat(lines.of(Events.received(Packets.echo(Events.PEER_POD.ipv4Bits(), Events.POD.ipv4Bits(), 64, 56))))
                .isEqualTo(
                        "22:13:20.123Z received 10.5.2.3 → shop/web-1  ICMP echo request, 84 bytes, from 192.168.0.2");
    }

    @Test
    void aDropSaysWhyByNameAndInWords() {
        assertThat(lines.of(Events.dropped(Packets.echo(Events.POD.ipv4Bits(), Events.PEER_POD.ipv4Bits(), 64, 56))))
                .isEqualTo(
                        "22:13:20.123Z DROPPED  shop/web-1 → 10.5.2.3  ICMP echo request, 84 bytes: no_route, no lease"
                                + " covers the destination");
    }

    @Test
    void coloursAreForDropsAlone() {
        PacketLine coloured = new PacketLine(PacketLineTest::name, ZoneOffset.UTC, true);
        assertThat(coloured.of(Events.dropped(Events.tcp()))).contains("\u001b[31mDROPPED  \u001b[0m");
        assertThat(coloured.of(Events.sent(Events.tcp()))).doesNotContain("\u001b");
    }

    @Test
    void packetsOfAFlowAreAddedUpAndOthersKeptApart() {
        FlowTable table = new FlowTable();
        byte[] ping = Packets.echo(Events.POD.ipv4Bits(), Events.PEER_POD.ipv4Bits(), 64, 56);
        for (int i = 0; i < 3; i++) {
            table.add(Events.sent(Events.tcp()));
            table.add(Events.sent(ping));
        }
        table.add(Events.dropped(ping));
        List<String> flows = table.take().stream().map(lines::of).toList();
        int bytes = Events.tcp().length * 3;
        assertThat(flows)
                .hasSize(3)
                .anySatisfy(line -> assertThat(line)
                        .matches("22:13:20\\.123Z sent     shop/web-1:\\d+ → 10\\.5\\.2\\.3:\\d+  TCP, " + bytes
                                + " bytes in 3 packets, to 192\\.168\\.0\\.2"));
        assertThat(flows)
                .contains(
                        "22:13:20.123Z sent     shop/web-1 → 10.5.2.3  ICMP echo request, 252 bytes in 3 packets, to"
                                + " 192.168.0.2",
                        "22:13:20.123Z DROPPED  shop/web-1 → 10.5.2.3  ICMP echo request, 84 bytes: no_route, no lease"
                                + " covers the destination");
        assertThat(table.take()).isEmpty();
        for (int i = 0; i < FlowTable.MOST + 5; i++) {
            byte[] each = Packets.echo(Events.POD.ipv4Bits(), i, 64, 56);
            table.add(Events.sent(each));
        }
        assertThat(table.take()).hasSize(FlowTable.MOST);
        assertThat(table.leftOut()).isEqualTo(5);
    }

    @Test
    void aNameGivesATerminalNoOrders() {
        PacketLine hostile = new PacketLine(address -> "pod\u001b[2J\n", ZoneOffset.UTC, false);
        assertThat(hostile.of(Events.sent(Events.tcp()))).doesNotContain("\u001b", "\n");
        assertThat(new PacketJson(address -> "pod\u009b2J").of(Events.sent(Events.tcp())))
                .contains("\"pod\\u009b2J\"")
                .doesNotContain("\u009b");
    }

    @Test
    void whatIsNoPacketIsShownAllTheSame() {
        byte[] whole = Events.tcp();
        for (int length = 0; length < whole.length; length++) {
            assertThat(lines.of(Events.dropped(Arrays.copyOf(whole, length)))).contains("DROPPED", "no_route");
            new PacketJson(PacketLineTest::name).of(Events.dropped(Arrays.copyOf(whole, length)));
        }
        for (int seed = 0; seed < 2000; seed++) {
            lines.of(Events.dropped(Packets.random(seed, 1 + seed % 80)));
        }
    }

    @Test
    void theSameAsJson() throws JsonProcessingException {
        JsonNode json =
                new ObjectMapper().readTree(new PacketJson(PacketLineTest::name).of(Events.dropped(Events.tcp())));
        assertThat(json.path("time").asText()).isEqualTo("2023-11-14T22:13:20.123456790Z");
        assertThat(json.path("verdict").asText()).isEqualTo("dropped");
        assertThat(json.path("direction").asText()).isEqualTo("out");
        assertThat(json.path("from").path("name").asText()).isEqualTo("shop/web-1");
        assertThat(json.path("from").path("address").asText()).isEqualTo("10.5.1.2");
        assertThat(json.path("to").has("name")).isFalse();
        assertThat(json.path("protocol").asText()).isEqualTo("TCP");
        assertThat(json.path("reason").asText()).isEqualTo("no_route");
        assertThat(json.path("bytes").asInt()).isEqualTo(Events.tcp().length);
    }

    @Test
    void aSelectionTakesWhatItSays() {
        PacketEvent sent = Events.sent(Events.tcp());
        InnerPacket inner = InnerPacket.of(sent).orElseThrow();
        Set<Point> all = Set.of(Point.values());
        List<IpAddress> any = List.of();
        assertThat(new Selection(all, any, any, "", -1, 0).takes(sent)).isTrue();
        assertThat(new Selection(Set.of(Point.DROPPED), any, any, "", -1, 0).takes(sent))
                .isFalse();
        assertThat(new Selection(all, List.of(Events.POD), any, "", -1, 0).takes(sent))
                .isTrue();
        assertThat(new Selection(all, List.of(Events.PEER_POD), List.of(Events.POD), "", 6, inner.sourcePort())
                        .takes(sent))
                .isTrue();
        assertThat(new Selection(all, List.of(Events.POD), List.of(Events.POD), "", -1, 0).takes(sent))
                .isFalse();
        assertThat(new Selection(all, any, any, "192.168.0.3", -1, 0).takes(sent))
                .isFalse();
        assertThat(new Selection(all, any, any, "", 17, 0).takes(sent)).isFalse();
        assertThat(new Selection(all, any, any, "", -1, 9).takes(sent)).isFalse();
        assertThat(new Selection(
                                Set.of(Point.DROPPED),
                                List.of(Events.POD),
                                List.of(Events.PEER_POD),
                                "192.168.0.2",
                                6,
                                80)
                        .request(192, 10))
                .isEqualTo("/v1/packets?points=dropped&keep=192&rate=10&one=10.5.1.2&other=10.5.2.3&peer=192.168.0.2"
                        + "&protocol=6&port=80");
    }
}
