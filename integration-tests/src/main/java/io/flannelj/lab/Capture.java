package io.flannelj.lab;

import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.pcap4j.core.BpfProgram;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapDumper;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.RawPacketListener;

/** Records what passes a node's interface, by Pcap4J, into a pcap file. */
public final class Capture implements AutoCloseable {
    private static final int SNAPSHOT_BYTES = 65_535;

    /** The kernel cuts this into slots of a whole snapshot each; libpcap's default of 2 MB would be 32 packets. */
    private static final int RING_BYTES = 64 << 20;

    private static final String[] LIBRARIES = {
        "/usr/lib/x86_64-linux-gnu/libpcap.so.0.8", "/usr/lib/aarch64-linux-gnu/libpcap.so.0.8"
    };

    private final PcapHandle handle;
    private final PcapDumper dumper;
    private final Path file;
    private final Thread thread = new Thread(this::record, "capture");
    private final AtomicInteger packets = new AtomicInteger();

    private Capture(PcapHandle handle, PcapDumper dumper, Path file) {
        this.handle = handle;
        this.dumper = dumper;
        this.file = file;
    }

    /** Begins to record what matches a filter (pcap-filter(7)) on a node's {@code eth0}. */
    public static Capture start(Node node, String filter, Path file) {
        for (String library : LIBRARIES) {
            if (Files.exists(Path.of(library))) {
                System.setProperty("org.pcap4j.core.pcapLibName", library); // Debian's has no plain .so name
            }
        }
        try (Netns netns = Netns.open(Path.of("/run/netns", node.namespace()))) {
            return NetnsThread.call(netns, () -> {
                PcapHandle handle = new PcapHandle.Builder("eth0")
                        .snaplen(SNAPSHOT_BYTES)
                        .bufferSize(RING_BYTES)
                        .immediateMode(true)
                        .timeoutMillis(100)
                        .build();
                handle.setFilter(filter, BpfProgram.BpfCompileMode.OPTIMIZE);
                Capture capture = new Capture(handle, handle.dumpOpen(file.toString()), file);
                capture.thread.setDaemon(true);
                capture.thread.start();
                return capture;
            });
        } catch (IOException e) {
            throw new LabException("cannot capture on " + node.name() + ": " + e.getMessage(), e);
        }
    }

    private void record() {
        try {
            handle.loop(-1, (RawPacketListener) packet -> {
                try {
                    dumper.dumpRaw(packet, handle.getTimestamp());
                    packets.incrementAndGet();
                } catch (NotOpenException e) {
                    throw new LabException("the capture was closed too early", e);
                }
            });
        } catch (PcapNativeException | NotOpenException e) {
            throw new LabException("capturing failed: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            return; // asked to stop
        }
    }

    /** Waits until so many packets are recorded. */
    public void await(int count) {
        try {
            Wait.until(count + " packets captured", Duration.ofSeconds(10), () -> packets.get() >= count);
        } catch (LabException e) {
            throw new LabException(e.getMessage() + ", only " + packets.get(), e);
        }
    }

    public Path file() {
        return file;
    }

    @Override
    public void close() {
        try {
            handle.breakLoop();
            thread.join(2000);
        } catch (NotOpenException e) {
            throw new LabException("the capture was not open", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        dumper.close();
        handle.close();
    }
}
