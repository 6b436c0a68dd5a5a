package io.flannelj.cni.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.shim.Frames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server over its real socket. Descriptors are handed over in {@code CniIT}, for the JDK cannot. */
@Timeout(60)
class CniServerTest {
    @TempDir
    Path directory;

    private Path socket;
    private CniServer server;

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);

    /** Answers with the container that was asked for, or waits when it is called so. */
    private final CniHandler handler = new CniHandler() {
        @Override
        public CniAnswer handle(Invocation call) {
            String container = call.variable("CNI_CONTAINERID");
            if (container.equals("slow")) {
                begun.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return new CniAnswer(!container.equals("bad"), container + call.netnsFile());
        }

        @Override
        public boolean seesNetns(Invocation call, String identity) {
            return identity.equals("1:2");
        }
    };

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("x.sock.cni");
        server = CniServer.open(socket, handler);
    }

    @AfterEach
    void close() {
        goOn.countDown();
        server.close();
    }

    private static byte[] call(String container, String identity) {
        return Frames.call(new Invocation(Map.of("CNI_COMMAND", "ADD", "CNI_CONTAINERID", container), "{}"), identity);
    }

    /** What comes back until the end. */
    private byte[] send(byte[]... pieces) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            for (byte[] piece : pieces) {
                channel.write(ByteBuffer.wrap(piece));
            }
            channel.shutdownOutput();
            return rest(channel);
        }
    }

    private static byte[] rest(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (channel.read(buffer) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
            buffer.clear();
        }
        return all.toByteArray();
    }

    @Test
    void aCallIsAnsweredHoweverItComes() throws IOException {
        byte[] call = call("one", "");
        byte[] answer = Frames.answer(Frames.Outcome.DONE, "one");
        assertThat(send(call)).isEqualTo(answer);
        byte[][] bytes = new byte[call.length][];
        for (int i = 0; i < call.length; i++) {
            bytes[i] = new byte[] {call[i]};
        }
        assertThat(send(bytes)).isEqualTo(answer);
        assertThat(send(call("bad", ""))).isEqualTo(Frames.answer(Frames.Outcome.FAILED, "bad"));
    }

    @Test
    void aLongCallAndALongAnswerPassWhole() throws IOException {
        String longName = "x".repeat(1_000_000);
        assertThat(send(call(longName, "1:2"))).isEqualTo(Frames.answer(Frames.Outcome.DONE, longName));
    }

    @Test
    void aNamespaceThatIsNotSeenNeedsItsDescriptor() throws IOException {
        assertThat(send(call("one", "1:2"))).isEqualTo(Frames.answer(Frames.Outcome.DONE, "one"));
        assertThat(send(call("one", "3:4"))).isEqualTo(Frames.answer(Frames.Outcome.UNSEEN, ""));
    }

    @Test
    void nonsenseIsRefusedAndTheServerGoesOn() throws IOException {
        byte[] call = call("one", "1:2");
        assertThat(send(new byte[] {0x7f, 0, 0, 0})).startsWith('r');
        assertThat(send(new byte[] {-1, -1, -1, -1})).startsWith('r');
        assertThat(send(new byte[] {0, 0, 0, 1, 'x'})).startsWith('r');
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 2000; i++) {
            byte[] damaged = call.clone();
            for (int changes = random.nextInt(1, 5); changes > 0; changes--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            byte[] answer = send(Arrays.copyOf(damaged, random.nextInt(damaged.length + 1)));
            assertThat(answer.length == 0 || "dfur".indexOf(answer[0]) >= 0)
                    .as("%s to %s", answer, damaged)
                    .isTrue();
        }
        assertThat(send(call)).isEqualTo(Frames.answer(Frames.Outcome.DONE, "one"));
    }

    @Test
    void manyAtOnceAreAllAnswered() throws Exception {
        ExecutorService plugins = Executors.newFixedThreadPool(50);
        try {
            List<CompletableFuture<byte[]>> answers = IntStream.range(0, 500)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return send(call("c" + i, "1:2"));
                                } catch (IOException e) {
                                    throw new IllegalStateException(e);
                                }
                            },
                            plugins))
                    .toList();
            for (int i = 0; i < answers.size(); i++) {
                assertThat(answers.get(i).get(30, TimeUnit.SECONDS))
                        .isEqualTo(Frames.answer(Frames.Outcome.DONE, "c" + i));
            }
        } finally {
            plugins.shutdownNow();
        }
    }

    @Test
    void whatHasBegunIsAnsweredBeforeItCloses() throws Exception {
        try (SocketChannel plugin = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            plugin.write(ByteBuffer.wrap(call("slow", "")));
            begun.await();
            Thread closing = new Thread(server::close);
            closing.start();
            Awaitility.await().until(closing::getState, Thread.State.TIMED_WAITING::equals);
            goOn.countDown();
            assertThat(rest(plugin)).isEqualTo(Frames.answer(Frames.Outcome.DONE, "slow"));
            closing.join(5000);
            assertThat(closing.isAlive()).isFalse();
        }
        assertThat(socket).doesNotExist();
        assertThatThrownBy(() -> send(call("one", ""))).isInstanceOf(IOException.class);
        server = CniServer.open(socket, handler);
        assertThat(send(call("one", ""))).isEqualTo(Frames.answer(Frames.Outcome.DONE, "one"));
    }

    @Test
    void onlyItsOwnerMayConnectAndWhatAKilledDaemonLeftIsReplaced() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        CniServer successor = CniServer.open(socket, handler);
        assertThat(send(call("one", ""))).isEqualTo(Frames.answer(Frames.Outcome.DONE, "one"));
        successor.close();
    }
}
