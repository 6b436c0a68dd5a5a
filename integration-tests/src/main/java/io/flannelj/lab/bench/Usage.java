package io.flannelj.lab.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What processes, and the machine as a whole, have used up to a moment (proc(5)).
 *
 * @param daemonSeconds processor time of the daemons
 * @param machineSeconds processor time of everything on the machine that is not idle
 * @param switches context switches of all the daemons' threads
 * @param residentBytes memory of the daemons
 */
record Usage(double daemonSeconds, double machineSeconds, long switches, long residentBytes) {
    private static final double TICKS_PER_SECOND = 100; // USER_HZ, fixed in the kernel's interface

    static Usage of(List<Long> daemons) {
        double seconds = 0;
        long switches = 0;
        long resident = 0;
        try {
            for (long pid : daemons) {
                Path process = Path.of("/proc", String.valueOf(pid));
                String stat = Files.readString(process.resolve("stat"));
                String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
                seconds += (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
                resident += number(process.resolve("status"), "VmRSS:") * 1024;
                try (Stream<Path> threads = Files.list(process.resolve("task"))) {
                    for (Path thread : threads.toList()) {
                        switches += switchesOf(thread.resolve("status"));
                    }
                }
            }
            return new Usage(seconds, busySeconds(), switches, resident);
        } catch (IOException e) {
            throw new IllegalStateException("a contender's daemon is gone: " + e.getMessage(), e);
        }
    }

    private static long switchesOf(Path status) throws IOException {
        try {
            return number(status, "voluntary_ctxt_switches:") + number(status, "nonvoluntary_ctxt_switches:");
        } catch (NoSuchFileException e) {
            return 0; // the thread ended meanwhile
        }
    }

    private static long number(Path file, String key) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> Long.parseLong(
                        line.substring(key.length()).replace("kB", "").strip()))
                .findFirst()
                .orElse(0);
    }

    /** Busy time of all processors. */
    static double busySeconds() throws IOException {
        String[] fields = Files.readAllLines(Path.of("/proc/stat")).get(0).split(" +", -1);
        double busy = 0;
        for (int i = 1; i <= 8; i++) { // user, nice, system, idle, iowait, irq, softirq, steal
            if (i != 4 && i != 5) {
                busy += Double.parseDouble(fields[i]);
            }
        }
        return busy / TICKS_PER_SECOND;
    }

    Usage since(Usage earlier) {
        return new Usage(
                daemonSeconds - earlier.daemonSeconds,
                machineSeconds - earlier.machineSeconds,
                switches - earlier.switches,
                residentBytes);
    }
}
