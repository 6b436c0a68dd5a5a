package io.flannelj.lease.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.KeyValue;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a store full of nonsense costs: little of it is kept. */
class LeaseDecoderTest {
    private static final String PREFIX = "/coreos.com/network/subnets/";

    private final LeaseDecoder decoder = new LeaseDecoder(PREFIX);

    private static KeyValue entry(String key, String value) {
        return new KeyValue(
                io.etcd.jetcd.api.KeyValue.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8(value))
                        .build(),
                ByteSequence.EMPTY);
    }

    private static String lease(int bytes) {
        String begin = "{\"PublicIP\":\"192.0.2.1\",\"BackendType\":\"vxlan\",\"BackendData\":\"";
        return begin + "x".repeat(bytes - begin.length() - 2) + "\"}";
    }

    private static String key(int number) {
        return PREFIX + "10." + (number >>> 8) + "." + (number & 255) + ".0-24";
    }

    @Test
    void ofAKeyLongerThanAnyLeasesLittleIsKept() {
        String key = PREFIX + "x".repeat(1 << 20);
        KeyValue huge = entry(key, "");

        assertThat(decoder.read(huge)).isEmpty();
        assertThat(decoder.read(huge)).isEmpty();
        assertThat(decoder.read(entry(key + "y", ""))).isEmpty();

        assertThat(decoder.unreadable()).hasSize(2);
        assertThat(LeaseDecoder.name(huge.getKey())).hasSizeLessThan(400).startsWith(PREFIX + "xxx");
        decoder.forget(LeaseDecoder.name(huge.getKey()));
        assertThat(decoder.unreadable()).hasSize(1);
        decoder.retain(Set.of());
        assertThat(decoder.unreadable()).isEmpty();
    }

    @Test
    void oneLongerThanAnyLeasesIsRefused() {
        assertThat(decoder.read(entry(key(1), lease(LeaseDecoder.LONGEST_VALUE + 1))))
                .isEmpty();

        assertThat(decoder.unreadable().get(0).problem()).contains("4097 bytes", "more than the 4096");
    }
}
