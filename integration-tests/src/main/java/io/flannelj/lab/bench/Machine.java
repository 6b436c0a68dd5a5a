package io.flannelj.lab.bench;

import io.flannelj.lab.Commands;
import io.flannelj.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** The machine that is measured on: what it is, and whether it is quiet. */
final class Machine {
    private static final double QUIET_BUSY_CORES = 0.15;
    private static final int TRIES = 60;

    private Machine() {}

    /** Waits until next to nothing else runs, for about two minutes at most. */
    static void awaitQuiet(Consumer<String> progress) {
        double busy = busyCores();
        for (int i = 0; i < TRIES && busy > QUIET_BUSY_CORES; i++) {
            if (i == 0) {
                progress.accept("waiting for the machine to be quiet");
            }
            busy = busyCores();
        }
        if (busy > QUIET_BUSY_CORES) {
            progress.accept(String.format("the machine is not quiet: %.2f cores are busy with something else", busy));
        }
    }

    private static double busyCores() {
        try {
            double before = Usage.busySeconds();
            Thread.sleep(2000);
            return (Usage.busySeconds() - before) / 2;
        } catch (IOException e) {
            throw new LabException("cannot read /proc/stat", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted", e);
        }
    }

    /** What must stand beside every figure. */
    static Map<String, String> describe(String commit) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("processor", first("/proc/cpuinfo", "model name"));
        facts.put("cores", String.valueOf(Runtime.getRuntime().availableProcessors()));
        facts.put("memory", first("/proc/meminfo", "MemTotal"));
        facts.put("kernel", Commands.require("uname", "-r").strip());
        facts.put("java", System.getProperty("java.vendor.version", "") + " " + Runtime.version());
        facts.put("commit", commit);
        return facts;
    }

    private static String first(String file, String key) {
        try {
            return Files.readAllLines(Path.of(file)).stream()
                    .filter(line -> line.startsWith(key))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
