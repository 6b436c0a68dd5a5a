package io.flannelj.cni.shim;

import io.flannelj.cni.Invocation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A system in memory: what the daemon will say is given, what the plugin says is kept. */
final class MemoryHost implements Host {
    final StringBuilder printed = new StringBuilder();
    final StringBuilder sent = new StringBuilder();
    final Deque<byte[]> daemonSays = new ArrayDeque<>();
    final Map<String, String> variables;
    String input = "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"controlSocket\":\"/run/x.sock\"}";
    boolean daemonListens = true;
    boolean netnsFound = true;
    String connectedTo = "";
    String carriedOut = "";

    MemoryHost(Map<String, String> variables) {
        this.variables = variables;
    }

    static MemoryHost calling(String command) {
        return new MemoryHost(Map.of("CNI_COMMAND", command, "CNI_NETNS", "/run/netns/a", "SHELL", "/bin/sh"));
    }

    @Override
    public @Nullable String variable(String name) {
        return variables.get(name);
    }

    @Override
    public byte[] readInput() {
        return input.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void print(String text) {
        printed.append(text);
    }

    @Override
    public void log(String text) {}

    @Override
    public boolean findNetns(String path) {
        return netnsFound;
    }

    @Override
    public String netnsIdentity() {
        return "4:4026531840";
    }

    @Override
    public Connection connect(String socket) throws IOException {
        connectedTo = socket;
        if (!daemonListens) {
            throw new IOException("connection refused");
        }
        return new Connected();
    }

    @Override
    public int carryOut(Invocation invocation, String why) {
        carriedOut = invocation.variable("CNI_COMMAND") + ": " + why;
        return 0;
    }

    private final class Connected implements Connection {
        @Override
        public void send(byte[] bytes) {
            sent.append(new String(bytes, StandardCharsets.UTF_8));
        }

        @Override
        public byte[] receive() {
            byte[] next = daemonSays.poll();
            return next == null ? new byte[0] : next;
        }

        @Override
        public void close() {}
    }
}
