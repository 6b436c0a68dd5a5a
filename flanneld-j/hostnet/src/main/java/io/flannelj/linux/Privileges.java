package io.flannelj.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** What this process may do: capabilities(7), umask(2). */
public final class Privileges {
    private static final int VERSION_3 = 0x20080522; // of linux/capability.h: two words of 32 bits each
    private static final int THIS_THREAD = 0;
    private static final int OWNER_ONLY = 077;
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String IN_FORCE = "CapEff:";
    private static final int WORD_BYTES = 12; // effective, permitted, inheritable

    private Privileges() {}

    /** Capabilities by their numbers in linux/capability.h. */
    public enum Capability {
        DAC_OVERRIDE(1),
        NET_BIND_SERVICE(10),
        NET_ADMIN(12),
        NET_RAW(13),
        SYS_ADMIN(21);

        private final int number;

        Capability(int number) {
            this.number = number;
        }

        /** A word with its bit set. */
        public int mask() {
            return 1 << number;
        }
    }

    /** Whether this process has a capability in force. */
    public static boolean has(Capability capability) {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith(IN_FORCE))
                    .map(line -> Long.parseUnsignedLong(
                            line.substring(IN_FORCE.length()).strip(), 16))
                    .anyMatch(set -> (set >>> capability.number & 1) != 0);
        } catch (IOException e) {
            return false;
        }
    }

    /** Files and sockets that the process makes from now on are its user's alone, from their first moment. */
    public static void keepFilesPrivate() {
        int unused = LibC.calls().umask(OWNER_ONLY);
    }

    /**
     * Gives up all other capabilities, for the calling thread and those that it starts from now on. Programs that they execute get
     * what the bounding set lets their user have.
     *
     * @return false when the kernel does not let us, as under some system call filters
     */
    public static boolean keepOnly(Set<Capability> kept) {
        int mask = kept.stream().mapToInt(Capability::mask).reduce(0, (a, b) -> a | b);
        ByteBuffer header = Fd.buffer(8).putInt(0, VERSION_3).putInt(4, THIS_THREAD);
        ByteBuffer words = Fd.buffer(2 * WORD_BYTES);
        if (LibC.calls().capget(header, words) < 0) {
            return false;
        }
        for (int at = 0; at < WORD_BYTES; at += 4) {
            words.putInt(at, words.getInt(at) & mask);
            words.putInt(WORD_BYTES + at, 0); // capabilities from 32 on
        }
        return LibC.calls().capset(header, words) == 0;
    }
}
