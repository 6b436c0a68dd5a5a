package io.flannelj.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;

/**
 * A filter expression as tcpdump takes it (pcap-filter(7)), compiled and applied by libpcap to packets that begin with an IP
 * header. The library is looked for only when somebody makes one. Confined to one thread.
 */
public final class PcapFilter implements AutoCloseable {
    private static final String[] NAMES = {"libpcap.so.0.8", "libpcap.so.1", "pcap"}; // Debian's, everybody else's
    private static final int DLT_RAW = 12;
    private static final int SNAP_BYTES = 262_144;
    private static final int PROGRAM_BYTES = 16; // struct bpf_program
    private static final int HEADER_BYTES = 24; // struct pcap_pkthdr: timeval, caplen, len
    private static final int NETMASK_UNKNOWN = 0xffffffff;

    private final Calls calls;
    private final ByteBuffer program;
    private final ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES).order(ByteOrder.nativeOrder());
    private boolean closed;

    private PcapFilter(Calls calls, ByteBuffer program) {
        this.calls = calls;
        this.program = program;
    }

    /** What is bound; public only because the binding library must see it. */
    public interface Calls {
        @SuppressWarnings("MethodName")
        Pointer pcap_open_dead(int linkType, int snapBytes);

        @SuppressWarnings("MethodName")
        int pcap_compile(Pointer handle, @Out ByteBuffer program, String expression, int optimize, int netmask);

        @SuppressWarnings("MethodName")
        String pcap_geterr(Pointer handle);

        @SuppressWarnings("MethodName")
        void pcap_close(Pointer handle);

        @SuppressWarnings("MethodName")
        int pcap_offline_filter(@In ByteBuffer program, @In ByteBuffer header, @In byte[] packet);

        @SuppressWarnings("MethodName")
        void pcap_freecode(ByteBuffer program);
    }

    /**
     * Compiles an expression.
     *
     * @throws IOException when libpcap is not installed; names the packages
     * @throws IllegalArgumentException when the expression is not understood; says why
     */
    public static PcapFilter compile(String expression) throws IOException {
        Calls calls = load();
        Pointer handle = calls.pcap_open_dead(DLT_RAW, SNAP_BYTES);
        if (handle == null) {
            throw new IOException("libpcap has no memory for a filter");
        }
        try {
            ByteBuffer program = ByteBuffer.allocateDirect(PROGRAM_BYTES).order(ByteOrder.nativeOrder());
            if (calls.pcap_compile(handle, program, expression, 1, NETMASK_UNKNOWN) != 0) {
                throw new IllegalArgumentException(calls.pcap_geterr(handle));
            }
            return new PcapFilter(calls, program);
        } finally {
            calls.pcap_close(handle);
        }
    }

    private static Calls load() throws IOException {
        for (String name : NAMES) {
            try {
                Calls calls =
                        LibraryLoader.create(Calls.class).failImmediately().load(name);
                Runtime.getRuntime(calls);
                return calls;
            } catch (UnsatisfiedLinkError e) {
                // the next name
            }
        }
        throw new IOException(
                "a filter expression needs libpcap; install it: apt-get install libpcap0.8 (Fedora: dnf install libpcap),"
                        + " or use --pod, --peer, --port and --proto");
    }

    /**
     * Whether a packet matches.
     *
     * @param packet its first bytes, the IP header first
     * @param length bytes that there were
     */
    public boolean matches(byte[] packet, int length) {
        header.putInt(16, packet.length).putInt(20, length);
        return calls.pcap_offline_filter(program, header, packet) != 0;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            calls.pcap_freecode(program);
        }
    }
}
