package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.device.DontFragment;
import io.flannelj.device.Iovecs;
import io.flannelj.device.TunFeatures;
import io.flannelj.device.TunQueue;
import io.flannelj.device.TunnelSocket;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A data path whose device is gone waits for its end in peace, whatever its socket still receives. */
class LostDeviceTest {
    private static final IpAddress LOOPBACK = IpAddress.parse("127.0.0.1");

    @Test
    void nothingSpinsOnceTheDeviceIsDeleted() throws Exception {
        int wire = freePort();
        TunnelSocket port = TunnelSocket.open(LOOPBACK, wire, false, DontFragment.UNSET);
        int number = freePort();
        TunnelSocket asTun = TunnelSocket.open(LOOPBACK, number, false, DontFragment.UNSET);
        CompletableFuture<Integer> lost = new CompletableFuture<>();
        CompletableFuture<Long> thread = new CompletableFuture<>();
        TunnelEnd end = new TunnelEnd(
                new BareIpEncapsulator(),
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                1450,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        try (Datapath datapath = new Datapath(
                List.of(new Datapath.Queue(new DeletedTun(asTun), port)),
                end,
                queue -> thread.complete(Thread.currentThread().getId()),
                peer -> {},
                null,
                lost::complete)) {
            wake(number); // its descriptor stays readable for ever
            assertThat(lost.get(10, TimeUnit.SECONDS)).isEqualTo(Errno.EBADFD);
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            wake(wire); // what peers send goes on coming
            AtomicLong before = new AtomicLong();
            Awaitility.await("the thread rests").during(Duration.ofSeconds(1)).until(() -> {
                long nanos = threads.getThreadCpuTime(thread.get());
                return nanos - before.getAndSet(nanos) < 2_000_000; // since a tenth of a second ago
            });
            assertThat(datapath.counters().get(Counter.OUT_READ_ERRORS)).isEqualTo(1);
        }
    }

    private static int freePort() throws IOException {
        try (DatagramSocket any = new DatagramSocket()) {
            return any.getLocalPort();
        }
    }

    private static void wake(int port) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.send(new DatagramPacket(new byte[1], 1, InetAddress.getLoopbackAddress(), port));
        }
    }

    /** Readable, and deleted. */
    private record DeletedTun(TunnelSocket descriptor) implements TunQueue {
        @Override
        public int fd() {
            return descriptor.fd();
        }

        @Override
        public int read(ByteBuf into, int offset, int room) {
            return -Errno.EBADFD;
        }

        @Override
        public int write(Iovecs packet) {
            return Errno.EBADFD;
        }

        @Override
        public void close() {
            descriptor.close();
        }
    }
}
