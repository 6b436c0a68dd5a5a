package io.flannelj.packet;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Without this, that no test loses a buffer would say nothing. */
@EnabledIfSystemProperty(
        named = "io.netty.leakDetection.level",
        matches = "paranoid",
        disabledReason = "Maven has Netty look at each buffer")
class BufferLeaksTest {
    @Test
    void aLostBufferIsFound() {
        lose();
        List<String> found = new ArrayList<>();
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> {
            found.addAll(BufferLeaks.take());
            return !found.isEmpty();
        });
        assertThat(found).hasSize(1).first().asString().contains("BufferLeaksTest.lose");
    }

    private static void lose() {
        ByteBuf lost = Unpooled.directBuffer(64);
        lost.setByte(0, 1);
    }
}
