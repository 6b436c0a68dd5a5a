package io.flannelj.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the daemon's systemd unit lets it do, in force where no systemd runs: capabilities, system calls, address families,
 * namespaces, the file system, the umask. For x86-64, with systemd-analyze to say what a set of system calls holds.
 */
public final class UnitSandbox {
    private static final Path NUMBERS = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");
    private static final Pattern NUMBER = Pattern.compile("#define __NR_(\\w+) (\\d+)");
    private static final int NEW_NETWORK = 0x40000000;
    private static final Map<String, Integer> FAMILIES =
            Map.of("AF_UNIX", 1, "AF_INET", 2, "AF_INET6", 10, "AF_NETLINK", 16, "AF_PACKET", 17);

    private final Map<String, List<String>> unit = new HashMap<>();
    private final Path filter;

    /**
     * @param file the unit
     * @param filter where the system call filter goes
     */
    public UnitSandbox(Path file, Path filter) {
        this.filter = filter;
        try {
            for (String line : Files.readAllLines(file)) {
                int equals = line.indexOf('=');
                if (equals > 0 && !line.startsWith("#")) {
                    unit.computeIfAbsent(line.substring(0, equals), key -> new ArrayList<>())
                            .add(line.substring(equals + 1));
                }
            }
            Files.createDirectories(filter.getParent());
            Files.write(filter, program());
        } catch (IOException e) {
            throw new LabException("no sandbox by " + file, e);
        }
    }

    /** What this machine lacks for it; empty when nothing. */
    public static String missing() {
        boolean known = System.getProperty("os.arch").equals("amd64") && Files.exists(NUMBERS);
        return !known
                ? "not x86-64 with libc6-dev"
                : List.of("systemd-analyze", "setpriv", "perl").stream()
                        .filter(program -> !Commands.exists(program))
                        .findFirst()
                        .map(program -> program + " is not installed")
                        .orElse("");
    }

    /**
     * What stands in front of a command that is run in a mount namespace of its own.
     *
     * @param writable what the unit's folders are here
     */
    public List<String> prefix(List<Path> writable) {
        String capabilities = words("CapabilityBoundingSet").stream()
                .map(name -> ",+" + name.substring("CAP_".length()).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining());
        String binds = writable.stream()
                .map(path -> "mount --bind " + path + " " + path + " && ")
                .collect(Collectors.joining());
        // Its file is read, the filter set (seccomp(2) and no_new_privs), and the rest executed.
        String restrict =
                "open F, '<', shift; binmode F; local $/; my $p = <F>; my $f = pack('Sx6P', length($p) / 8, $p);"
                        + " syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(317, 1, 0, $f) == 0 or die \"no filter: $!\"; exec @ARGV";
        return List.of(
                "sh",
                "-c",
                binds + "mount -o remount,bind,ro / && umask " + words("UMask").get(0) + " && exec \"$@\"",
                "sandbox",
                "setpriv",
                "--bounding-set=-all" + capabilities,
                "--inh-caps=-all",
                "--no-new-privs",
                "perl",
                "-e",
                restrict,
                filter.toString());
    }

    private List<String> words(String key) {
        return unit.getOrDefault(key, List.of()).stream()
                .flatMap(value -> List.of(value.split(" ")).stream())
                .toList();
    }

    /** The system call filter as the kernel takes it, in classic BPF: seccomp(2). */
    private byte[] program() throws IOException {
        Map<String, Integer> numbers = new HashMap<>();
        Matcher matcher = NUMBER.matcher(Files.readString(NUMBERS));
        while (matcher.find()) {
            numbers.put(matcher.group(1), Integer.valueOf(matcher.group(2)));
        }
        Bpf bpf = new Bpf();
        bpf.loadWord(4).unlessEqual(0xC000003E, Bpf.refusal(1)).loadWord(0); // AUDIT_ARCH_X86_64; the number
        bpf.argument(number(numbers, "socket"), 0, families(), 97); // EAFNOSUPPORT
        bpf.argument(number(numbers, "unshare"), 0, Set.of(NEW_NETWORK), 1);
        bpf.argument(number(numbers, "setns"), 1, Set.of(NEW_NETWORK), 1);
        for (String name : allowed()) {
            Integer number = numbers.get(name);
            if (number != null) {
                bpf.allow(number);
            }
        }
        return bpf.end(Bpf.refusal(1)); // EPERM
    }

    private static int number(Map<String, Integer> numbers, String name) {
        return Objects.requireNonNull(numbers.get(name), name);
    }

    private Set<Integer> families() {
        return words("RestrictAddressFamilies").stream().map(FAMILIES::get).collect(Collectors.toSet());
    }

    private Set<String> allowed() {
        Set<String> allowed = new TreeSet<>();
        for (String line : unit.getOrDefault("SystemCallFilter", List.of())) {
            boolean taken = line.startsWith("~");
            for (String name : (taken ? line.substring(1) : line).split(" ", -1)) {
                Set<String> calls = calls(name);
                if (taken) {
                    allowed.removeAll(calls);
                } else {
                    allowed.addAll(calls);
                }
            }
        }
        return allowed;
    }

    private static Set<String> calls(String name) {
        if (!name.startsWith("@")) {
            return Set.of(name);
        }
        Set<String> calls = new TreeSet<>();
        Commands.require("systemd-analyze", "syscall-filter", "--no-pager", name)
                .lines()
                .skip(1)
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .forEach(line -> calls.addAll(calls(line)));
        return calls;
    }

    /** Instructions of eight bytes: code, jumps, operand. */
    private static final class Bpf {
        private static final int ALLOW = 0x7fff0000;
        private static final int RETURN = 0x06;
        private static final int LOAD_WORD = 0x20;
        private static final int JUMP_IF_EQUAL = 0x15;

        private final ByteBuffer program = ByteBuffer.allocate(1 << 15).order(ByteOrder.LITTLE_ENDIAN);

        static int refusal(int errno) {
            return 0x00050000 | errno;
        }

        private Bpf put(int code, int ifTrue, int ifFalse, int operand) {
            program.putShort((short) code)
                    .put((byte) ifTrue)
                    .put((byte) ifFalse)
                    .putInt(operand);
            return this;
        }

        Bpf loadWord(int offset) {
            return put(LOAD_WORD, 0, 0, offset);
        }

        Bpf unlessEqual(int value, int otherwise) {
            return put(JUMP_IF_EQUAL, 1, 0, value).put(RETURN, 0, 0, otherwise);
        }

        void allow(int number) {
            put(JUMP_IF_EQUAL, 0, 1, number).put(RETURN, 0, 0, ALLOW);
        }

        /** A call that may have one of these values only as its argument. */
        void argument(int number, int argument, Set<Integer> values, int errno) {
            put(JUMP_IF_EQUAL, 0, 2 + 2 * values.size(), number);
            loadWord(16 + 8 * argument);
            values.forEach(this::allow);
            put(RETURN, 0, 0, refusal(errno));
        }

        byte[] end(int otherwise) {
            put(RETURN, 0, 0, otherwise);
            byte[] bytes = new byte[program.position()];
            program.get(0, bytes);
            return bytes;
        }
    }
}
