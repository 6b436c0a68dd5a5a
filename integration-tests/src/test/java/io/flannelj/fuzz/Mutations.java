package io.flannelj.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Changes a target's seeds at random and tries what comes out: the same inputs from the same random seed, in the tests' own
 * process, without an agent.
 */
final class Mutations {
    private static final int MAX_CHANGES = 4;
    private static final int MAX_BYTES = 8192;
    private static final int[] EDGES = {0, 1, 0x7f, 0x80, 0xff, '{', '}', '[', '"', '/', ':', '\n', ' ', '-', '9'};

    private final List<byte[]> seeds;
    private final SplittableRandom random;

    Mutations(List<byte[]> seeds, long randomSeed) {
        this.seeds = seeds;
        this.random = new SplittableRandom(randomSeed);
    }

    /** The files of a folder, by their names. */
    static List<byte[]> seeds(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().map(Mutations::read).toList();
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Tries every seed as it is, then so many mutants; fails at the first that does not hold, showing it. */
    void run(Target target, int mutants) {
        seeds.forEach(seed -> attempt(target, seed));
        for (int i = 0; i < mutants; i++) {
            attempt(target, mutant());
        }
    }

    private static void attempt(Target target, byte[] input) {
        try {
            target.run(input);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(
                    target.label() + ", input " + HexFormat.of().formatHex(input) + ": " + e, e);
        }
    }

    private byte[] mutant() {
        byte[] bytes = any();
        for (int changes = 1 + random.nextInt(MAX_CHANGES); changes > 0; changes--) {
            bytes = change(bytes);
        }
        return bytes.length > MAX_BYTES ? Arrays.copyOf(bytes, MAX_BYTES) : bytes;
    }

    private byte[] any() {
        return seeds.get(random.nextInt(seeds.size())).clone();
    }

    private byte[] change(byte[] bytes) {
        if (bytes.length == 0) {
            return any();
        }
        int at = random.nextInt(bytes.length);
        int end = Math.min(bytes.length, at + 1 + random.nextInt(32));
        switch (random.nextInt(7)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) EDGES[random.nextInt(EDGES.length)];
            case 2 -> bytes[at] = (byte) random.nextInt();
            case 3 -> {
                return joined(bytes, at, bytes, end); // left out
            }
            case 4 -> {
                return joined(bytes, end, bytes, at); // repeated
            }
            case 5 -> {
                byte[] other = any();
                return joined(bytes, at, other, random.nextInt(other.length + 1));
            }
            default -> {
                return Arrays.copyOf(bytes, at);
            }
        }
        return bytes;
    }

    private static byte[] joined(byte[] front, int end, byte[] back, int from) {
        byte[] both = Arrays.copyOf(front, end + back.length - from);
        System.arraycopy(back, from, both, end, back.length - from);
        return both;
    }

    /** For the command: a target by its label, the folder of its seeds, seconds, and the random seed. */
    public static void main(String[] arguments) throws IOException {
        Target target = Arrays.stream(Target.values())
                .filter(one -> one.label().equals(arguments[0]))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no target is called " + arguments[0]));
        long end = System.nanoTime() + Long.parseLong(arguments[2]) * 1_000_000_000L;
        Mutations mutations = new Mutations(seeds(Path.of(arguments[1])), Long.parseLong(arguments[3]));
        long tried = 0;
        while (System.nanoTime() < end) {
            mutations.run(target, 1000);
            tried += 1000;
        }
        System.out.println(target.label() + ": " + tried + " mutants, every promise held");
        System.exit(0); // the admin server's threads go on
    }
}
