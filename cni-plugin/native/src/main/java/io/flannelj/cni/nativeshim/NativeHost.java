package io.flannelj.cni.nativeshim;

import io.flannelj.cni.Invocation;
import io.flannelj.cni.shim.Host;
import io.flannelj.cni.shim.Shim;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.teavm.interop.Address;

/** The C library as the shim's system, on 64-bit little-endian Linux. */
final class NativeHost implements Host {
    private static final int IN = 0;
    private static final int OUT = 1;
    private static final int ERR = 2;
    private static final int MAX_SOCKET_PATH = 107;
    private static final String LAUNCHER = "flannel-j-jvm";

    private int netns = -1;

    @Override
    public @Nullable String variable(String name) {
        Address value = CLibrary.getenv(Address.ofData(terminated(name)));
        return value == null || value.toLong() == 0 ? null : text(value);
    }

    @Override
    public byte[] readInput() throws IOException {
        byte[] bytes = new byte[16 << 10];
        int length = 0;
        while (true) {
            int count = CLibrary.read(IN, Address.ofData(bytes).add(length), bytes.length - length);
            if (count < 0 && CLibrary.errno() != CLibrary.EINTR) {
                throw failure("standard input cannot be read");
            }
            if (count == 0) {
                return Arrays.copyOf(bytes, length);
            }
            length += Math.max(count, 0);
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, length * 2);
            }
        }
    }

    @Override
    public void print(String text) {
        write(OUT, text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void log(String text) {
        write(ERR, (text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Gives up where nobody reads. */
    private static boolean write(int fd, byte[] bytes) {
        int done = 0;
        while (done < bytes.length) {
            int count = CLibrary.write(fd, Address.ofData(bytes).add(done), bytes.length - done);
            if (count < 0 && CLibrary.errno() != CLibrary.EINTR) {
                return false;
            }
            done += Math.max(count, 0);
        }
        return true;
    }

    @Override
    public boolean findNetns(String path) {
        // Non-blocking, because whatever the path names, opening it must not wait.
        netns = CLibrary.open(Address.ofData(terminated(path)), CLibrary.RDONLY_CLOEXEC_NONBLOCK);
        return netns >= 0;
    }

    @Override
    public String netnsIdentity() {
        byte[] stat = new byte[256]; // struct stat begins with st_dev and st_ino, 64 bits each
        Address address = Address.ofData(stat);
        return CLibrary.fstat(netns, address) < 0
                ? ""
                : address.getLong() + ":" + address.add(8).getLong();
    }

    @Override
    public Connection connect(String socket) throws IOException {
        byte[] path = socket.getBytes(StandardCharsets.UTF_8);
        if (path.length > MAX_SOCKET_PATH) {
            throw new IOException("its path is longer than " + MAX_SOCKET_PATH + " bytes");
        }
        byte[] address = new byte[2 + MAX_SOCKET_PATH + 1]; // struct sockaddr_un
        address[0] = 1; // AF_UNIX
        System.arraycopy(path, 0, address, 2, path.length);
        int fd = CLibrary.socket(1, CLibrary.STREAM_CLOEXEC, 0);
        if (fd < 0) {
            throw failure("no socket");
        }
        if (CLibrary.connect(fd, Address.ofData(address), address.length) < 0) {
            IOException failure = failure("cannot connect");
            CLibrary.close(fd);
            throw failure;
        }
        int peer = peerUser(fd);
        if (peer != 0) {
            CLibrary.close(fd);
            throw new IOException("user " + peer + " listens there, and not root");
        }
        byte[] patience = new byte[16]; // struct timeval
        patience[0] = Shim.PATIENCE_SECONDS;
        CLibrary.setsockopt(fd, 1, 20, Address.ofData(patience), patience.length); // SO_RCVTIMEO
        return new Connected(fd);
    }

    /** Who listens at the other end; -1 when the kernel does not say. */
    private static int peerUser(int fd) {
        Address credentials = CLibrary.calloc(4, 4); // struct ucred: process, user, group; and the length behind it
        Address length = credentials.add(12);
        length.putInt(12);
        return CLibrary.getsockopt(fd, 1, 17, credentials, length) < 0 // SO_PEERCRED
                ? -1
                : credentials.add(4).getInt();
    }

    /** Becomes the launcher of the JVM, which asks for the daemon once more and then does the work itself. */
    @Override
    public int carryOut(Invocation invocation, String why) {
        byte[] stdin = invocation.stdin().getBytes(StandardCharsets.UTF_8);
        int input = CLibrary.memfdCreate(Address.ofData(terminated("cni")), 0);
        if (input < 0 || !write(input, stdin) || CLibrary.lseek(input, 0, 0) < 0 || CLibrary.dup2(input, IN) < 0) {
            print(Shim.error(invocation.stdin(), 11, why + "; and no memory to pass the call on") + "\n");
            return 1;
        }
        String home = variable("FLANNELJ_HOME");
        String[] candidates = {
            home == null ? directory() + LAUNCHER : home + "/cni/" + LAUNCHER,
            directory() + LAUNCHER,
            "/opt/flanneld-j/cni/" + LAUNCHER,
            "/usr/lib/flanneld-j/cni/" + LAUNCHER
        };
        for (String candidate : candidates) {
            Address path = outsideTheHeap(terminated(candidate));
            Address arguments = CLibrary.calloc(2, 8);
            arguments.putAddress(path);
            CLibrary.execv(path, arguments);
        }
        print(Shim.error(
                        invocation.stdin(),
                        11,
                        why + "; and " + LAUNCHER + ", which needs no daemon, is neither beside this plugin nor in"
                                + " /opt/flanneld-j/cni: start flanneld-j, or set FLANNELJ_HOME")
                + "\n");
        return 1;
    }

    /** Where this program lies, links resolved, with the slash. */
    private static String directory() {
        byte[] path = new byte[4096];
        byte[] self = terminated("/proc/self/exe");
        int length = CLibrary.readlink(Address.ofData(self), Address.ofData(path), path.length);
        String program = length < 0 ? "" : new String(path, 0, length, StandardCharsets.UTF_8);
        return program.substring(0, program.lastIndexOf('/') + 1);
    }

    private static byte[] terminated(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Address address) {
        int length = 0;
        while (address.add(length).getByte() != 0) {
            length++;
        }
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = address.add(i).getByte();
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Address outsideTheHeap(byte[] bytes) {
        Address copy = CLibrary.calloc(bytes.length, 1);
        for (int i = 0; i < bytes.length; i++) {
            copy.add(i).putByte(bytes[i]);
        }
        return copy;
    }

    private static IOException failure(String what) {
        int errno = CLibrary.errno();
        return new IOException(what + ": " + text(CLibrary.strerror(errno)));
    }

    private final class Connected implements Connection {
        private final int fd;

        Connected(int fd) {
            this.fd = fd;
        }

        @Override
        public void send(byte[] bytes) throws IOException {
            int done = netns < 0 ? 0 : sendWithNetns(bytes);
            while (done < bytes.length) {
                int count = CLibrary.send(fd, Address.ofData(bytes).add(done), bytes.length - done, CLibrary.NO_SIGNAL);
                if (count < 0 && CLibrary.errno() != CLibrary.EINTR) {
                    throw failure("it does not listen");
                }
                done += Math.max(count, 0);
            }
        }

        private int sendWithNetns(byte[] bytes) throws IOException {
            // struct msghdr at 0, struct iovec at 64, struct cmsghdr with the descriptor at 80
            Address memory = CLibrary.calloc(128, 1);
            memory.add(16).putAddress(memory.add(64));
            memory.add(24).putLong(1);
            memory.add(32).putAddress(memory.add(80));
            memory.add(40).putLong(24);
            memory.add(64).putAddress(Address.ofData(bytes));
            memory.add(72).putLong(bytes.length);
            memory.add(80).putLong(20);
            memory.add(88).putInt(1); // SOL_SOCKET
            memory.add(92).putInt(1); // SCM_RIGHTS
            memory.add(96).putInt(netns);
            int count = CLibrary.sendmsg(fd, memory, CLibrary.NO_SIGNAL);
            while (count < 0 && CLibrary.errno() == CLibrary.EINTR) {
                count = CLibrary.sendmsg(fd, memory, CLibrary.NO_SIGNAL);
            }
            if (count < 0) {
                throw failure("it does not take the call");
            }
            return count;
        }

        @Override
        public byte[] receive() throws IOException {
            byte[] bytes = new byte[16 << 10];
            int count = CLibrary.recv(fd, Address.ofData(bytes), bytes.length, 0);
            while (count < 0 && CLibrary.errno() == CLibrary.EINTR) {
                count = CLibrary.recv(fd, Address.ofData(bytes), bytes.length, 0);
            }
            if (count < 0) {
                throw failure("nothing came for " + Shim.PATIENCE_SECONDS + " s");
            }
            return Arrays.copyOf(bytes, count);
        }

        @Override
        public void close() {
            CLibrary.close(fd);
        }
    }
}
