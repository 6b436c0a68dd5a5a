package io.flannelj.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.shim.Frames;
import io.flannelj.cni.shim.Host;
import io.flannelj.cni.shim.Shim;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Both ends of the CNI socket. The first byte says which: a call as the daemon reads it, which is read again as the same; or an
 * answer as the plugin reads it in chunks, which ends with status 0 or 1, and in the latter case with a well-formed error.
 */
public final class CniFramesFuzz {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String[] COMMANDS = {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"};

    private CniFramesFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int which = input.u8();
        if (which % 2 == 0) {
            call(input.rest());
        } else {
            answer(COMMANDS[(which >>> 1) % COMMANDS.length], input);
        }
    }

    private static void call(byte[] bytes) {
        Frames.Call call;
        try {
            call = Frames.decode(bytes);
        } catch (IllegalArgumentException e) {
            return;
        }
        byte[] frame = Frames.call(call.invocation(), call.identity());
        Promise.holds(Frames.number(frame, 0) == frame.length - Frames.CALL_HEAD, "a frame of another length");
        Promise.same(
                call,
                Frames.decode(Arrays.copyOfRange(frame, Frames.CALL_HEAD, frame.length)),
                "written and read again");
    }

    private static void answer(String command, Input input) {
        Plugin plugin = new Plugin(command, input);
        int status = new Shim(plugin).run();
        String printed = plugin.printed.toString();
        if (plugin.carriedOut || command.equals("VERSION") || status == 0 || plugin.isDaemonsError()) {
            return;
        }
        Promise.holds(status == 1, "exit status " + status);
        try {
            Promise.holds(JSON.readTree(printed).path("code").asInt() > 0, "no code: " + printed);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + printed, e);
        }
    }

    /** What runs the plugin, and the daemon at the other end. */
    private static final class Plugin implements Host {
        private static final int FAILED = 'f';

        final StringBuilder printed = new StringBuilder();
        private final String command;
        private final byte[] configuration;
        private final Input daemon;
        private int first = -1;
        boolean carriedOut;

        Plugin(String command, Input input) {
            this.command = command;
            this.configuration = input.bytes(input.u8());
            this.daemon = input;
        }

        /** What the daemon says of a failure is passed on as it is. */
        boolean isDaemonsError() {
            return first == FAILED;
        }

        @Override
        public @Nullable String variable(String name) {
            return Map.of("CNI_COMMAND", command, "CNI_NETNS", "/run/none").get(name);
        }

        @Override
        public byte[] readInput() {
            return configuration;
        }

        @Override
        public void print(String text) {
            printed.append(text);
        }

        @Override
        public void log(String text) {}

        @Override
        public boolean findNetns(String path) {
            return true;
        }

        @Override
        public String netnsIdentity() {
            return "4:4026531840";
        }

        @Override
        public Connection connect(String socket) throws IOException {
            if (socket.indexOf('\0') >= 0) {
                throw new IOException("no path");
            }
            return new Connection() {
                @Override
                public void send(byte[] bytes) {}

                @Override
                public byte[] receive() {
                    byte[] chunk = daemon.bytes(1 + daemon.u8() % 16);
                    first = first < 0 && chunk.length > 0 ? chunk[0] : first;
                    return chunk;
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public int carryOut(Invocation invocation, String why) {
            carriedOut = true;
            return 0;
        }
    }
}
