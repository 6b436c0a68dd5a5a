package io.flannelj.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.packet.Packets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Files are read back by a reader that refuses whatever the format does not allow. */
class CaptureTest {
    private record Block(int type, ByteBuffer body, Map<Integer, byte[]> options) {
        String text(int code) {
            return new String(options.getOrDefault(code, new byte[0]), StandardCharsets.UTF_8);
        }
    }

    private static List<Block> blocks(byte[] file) {
        List<Block> blocks = new ArrayList<>();
        ByteBuffer rest = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        while (rest.hasRemaining()) {
            int start = rest.position();
            int type = rest.getInt();
            int total = rest.getInt();
            assertThat(total).isGreaterThanOrEqualTo(12).isLessThanOrEqualTo(file.length - start);
            assertThat(total % 4).isZero();
            assertThat(rest.getInt(start + total - 4)).as("length at the end").isEqualTo(total);
            ByteBuffer body = rest.slice(start + 8, total - 12).order(ByteOrder.LITTLE_ENDIAN);
            int fixed = switch (type) {
                case 0x0A0D0D0A -> 16;
                case 1 -> 8;
                case 6 -> 20 + (body.getInt(12) + 3 & ~3);
                default -> throw new AssertionError("block type " + type);
            };
            blocks.add(new Block(type, body, options(body, fixed)));
            rest.position(start + total);
        }
        return blocks;
    }

    private static Map<Integer, byte[]> options(ByteBuffer body, int from) {
        Map<Integer, byte[]> options = new TreeMap<>();
        int at = from;
        while (true) {
            int code = body.getShort(at) & 0xffff;
            int length = body.getShort(at + 2) & 0xffff;
            if (code == 0) {
                assertThat(length).isZero();
                assertThat(at + 4).as("end of options").isEqualTo(body.limit());
                return options;
            }
            byte[] value = new byte[length];
            body.get(at + 4, value);
            options.put(code, value);
            at += 4 + (length + 3 & ~3);
        }
    }

    private static List<Block> captured(OuterPacket outer, PacketEvent... events) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Capture capture = new Capture(out, "flanneld-j 9", "node 192.168.0.1", outer);
        for (PacketEvent event : events) {
            capture.add(event);
        }
        assertThat(capture.bytes()).isEqualTo(out.size());
        return blocks(out.toByteArray());
    }

    /** Behind the address family, which LINKTYPE_NULL puts in front: 2 for IPv4. */
    private static byte[] data(Block packet) {
        assertThat(packet.body().getInt(20)).isEqualTo(2);
        byte[] data = new byte[packet.body().getInt(12) - 4];
        packet.body().get(24, data);
        return data;
    }

    private static final OuterPacket VXLAN = new OuterPacket("192.168.0.1", 8472);

    @Test
    void theFileBeginsWithItsSectionAndBothInterfaces() throws IOException {
        List<Block> blocks = captured(VXLAN);
        assertThat(blocks).extracting(Block::type).containsExactly(0x0A0D0D0A, 1, 1);
        assertThat(blocks.get(0).body().getInt(0)).isEqualTo(0x1A2B3C4D);
        assertThat(blocks.get(0).text(4)).isEqualTo("flanneld-j 9");
        assertThat(blocks.get(1).body().getShort(0)).as("LINKTYPE_NULL").isZero();
        assertThat(blocks.get(1).text(2)).isEqualTo("pods");
        assertThat(blocks.get(1).options().get(9)).containsExactly(9);
        assertThat(blocks.get(2).text(2)).isEqualTo("wire");
    }

    @Test
    void aPacketOfAPodIsAsThePodSentIt() throws IOException {
        Block packet = captured(VXLAN, Events.sent(Events.tcp())).get(3);
        assertThat(packet.body().getInt(0)).as("interface").isZero();
        assertThat((long) packet.body().getInt(4) << 32 | packet.body().getInt(8) & 0xffff_ffffL)
                .isEqualTo(Events.TIME);
        assertThat(data(packet)).isEqualTo(Events.tcp());
        assertThat(packet.options().get(2)).as("inbound at the pods' side").containsExactly(1, 0, 0, 0);
        assertThat(packet.options()).doesNotContainKey(1);
    }

    @Test
    void aDropSaysWhy() throws IOException {
        Block packet = captured(VXLAN, Events.dropped(Events.tcp())).get(3);
        assertThat(packet.text(1)).isEqualTo("dropped: no_route, no lease covers the destination");
    }

    @Test
    void anEncapsulatedPacketHasOuterHeaders() throws IOException {
        PacketEvent event = Events.received(Events.tcp());
        Block packet = captured(VXLAN, event).get(3);
        assertThat(packet.body().getInt(0)).as("interface").isEqualTo(1);
        byte[] data = data(packet);
        ByteBuffer outer = ByteBuffer.wrap(data);
        assertThat(outer.getShort(2)).as("length").isEqualTo((short) data.length);
        assertThat(Arrays.copyOfRange(data, 12, 20)).containsExactly(new int[] {192, 168, 0, 2, 192, 168, 0, 1});
        assertThat(outer.getShort(20)).isEqualTo((short) 8472);
        assertThat(outer.getShort(22)).isEqualTo((short) 8472);
        assertThat(outer.getShort(24)).as("UDP length").isEqualTo((short) (data.length - 20));
        assertThat(Arrays.copyOfRange(data, 28, data.length)).isEqualTo(event.data());
        int sum = 0;
        for (int at = 0; at < 20; at += 2) {
            sum += outer.getShort(at) & 0xffff;
        }
        assertThat((sum & 0xffff) + (sum >>> 16)).as("header checksum").isEqualTo(0xffff);
    }

    @Test
    void whatIsCutSaysHowLongItWas() throws IOException {
        byte[] whole = Events.tcp();
        PacketEvent cut = new PacketEvent(
                Events.TIME, Point.FROM_POD, true, "", "", "", false, 0, 0, 1000, 1, 0, Arrays.copyOf(whole, 41));
        Block packet = captured(VXLAN, cut).get(3);
        assertThat(packet.body().getInt(12)).isEqualTo(4 + 41);
        assertThat(packet.body().getInt(16)).isEqualTo(4 + 1000);
    }

    @Test
    void anIpInIpPacketHasItsOuterHeaderAlready() throws IOException {
        byte[] inner = Events.tcp();
        byte[] outer = new byte[20];
        ByteBuffer.wrap(outer)
                .putInt(0, 0x45000000 | inner.length + 20)
                .put(8, (byte) 64)
                .put(9, (byte) 4);
        byte[] data = Packets.behind(outer, inner);
        PacketEvent event = new PacketEvent(
                Events.TIME, Point.TO_WIRE, true, "", "", "192.168.0.2", true, 0, 20, data.length, 1, 0, data);
        byte[] written = data(captured(new OuterPacket("192.168.0.1", 0), event).get(3));
        assertThat(Arrays.copyOfRange(written, 20, written.length)).isEqualTo(inner);
    }
}
