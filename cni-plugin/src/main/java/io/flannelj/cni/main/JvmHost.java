package io.flannelj.cni.main;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import io.flannelj.cni.shim.Host;
import io.flannelj.cni.shim.Shim;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Arrays;
import java.util.Map;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * The JDK as the shim's system. It cannot hand over descriptors, and loads neither JSON nor native libraries until
 * {@link CniEngine} must do the work here.
 */
final class JvmHost implements Host {
    // The platform's default encoding is not ours to trust.
    private String netnsIdentity = "";
    private final PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);

    @Override
    public @Nullable String variable(String name) {
        return System.getenv(name);
    }

    @Override
    public byte[] readInput() throws IOException {
        return System.in.readAllBytes();
    }

    @Override
    public void print(String text) {
        out.print(text);
        out.flush();
    }

    @Override
    public void log(String text) {
        System.err.println(text);
    }

    @Override
    public boolean findNetns(String path) {
        try {
            Map<String, Object> found = Files.readAttributes(Path.of(path), "unix:dev,ino");
            netnsIdentity = found.get("dev") + ":" + found.get("ino");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public String netnsIdentity() {
        return netnsIdentity;
    }

    @Override
    public Connection connect(String socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            UserPrincipal peer =
                    channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
            if (!peer.equals(root())) {
                throw new IOException("user " + peer.getName() + " listens there, and not root");
            }
            return new Connected(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw new IOException(e.getMessage(), e);
        }
    }

    private static UserPrincipal root() throws IOException {
        return FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName("0");
    }

    @Override
    public int carryOut(Invocation invocation, String why) {
        CniAnswer answer;
        try {
            answer = new CniEngine(() -> why).handle(invocation);
        } catch (LinkageError e) { // no native library for this machine, or nowhere to unpack it
            answer = new CniAnswer(false, Shim.error(invocation.stdin(), 11, why + "; and without it: " + e));
        }
        print(answer.stdout().isEmpty() ? "" : answer.stdout() + "\n");
        return answer.success() ? 0 : 1;
    }

    private record Connected(SocketChannel channel) implements Connection {
        Connected {
            Thread watch = new Thread(() -> {
                try {
                    Thread.sleep(Shim.PATIENCE_SECONDS * 1000L);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                close(channel); // wakes who waits for it
            });
            watch.setDaemon(true);
            watch.start();
        }

        @Override
        public void send(byte[] bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        @Override
        public byte[] receive() throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(16 << 10);
            int count = channel.read(buffer);
            return count <= 0 ? new byte[0] : Arrays.copyOf(buffer.array(), count);
        }

        @Override
        public void close() {
            close(channel);
        }

        private static void close(SocketChannel channel) {
            try {
                channel.close();
            } catch (IOException e) {
                return; // nothing more is wanted of it
            }
        }
    }
}
