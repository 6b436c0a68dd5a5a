package io.flannelj.packet;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/**
 * Fails a class of tests in whose time a buffer was lost: taken, and never given back. JUnit finds it as a service. One that the
 * garbage collector finds late fails a later class.
 */
public final class BufferLeaks implements BeforeAllCallback, AfterAllCallback {
    private static final Collection<String> FOUND = new ConcurrentLinkedQueue<>();

    /** Netty looks for none unless it may log them, and our own logging silences all libraries. */
    @Override
    public void beforeAll(ExtensionContext context) {
        ((Logger) LoggerFactory.getLogger(ResourceLeakDetector.class)).setLevel(Level.ERROR);
        ByteBufUtil.setLeakListener((type, records) -> FOUND.add(type + " " + records));
    }

    @Override
    public void afterAll(ExtensionContext context) throws InterruptedException {
        assertThat(take()).as("buffers that nobody released").isEmpty();
    }

    /** What was found since the last call. */
    static List<String> take() throws InterruptedException {
        System.gc();
        Thread.sleep(10); // the collector hands over what it found on a thread of its own
        Unpooled.directBuffer(1).release(); // Netty tells what it has lost when it next takes something
        List<String> found = new ArrayList<>(FOUND);
        FOUND.removeAll(found);
        return found;
    }
}
