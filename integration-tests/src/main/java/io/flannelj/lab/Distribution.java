package io.flannelj.lab;

import java.nio.file.Files;
import java.nio.file.Path;

/** The built distribution, whose programs the laboratory runs. */
public final class Distribution {
    private Distribution() {}

    /** Found by the system property {@code flannelj.distribution}, or in the checkout. */
    public static Path home() {
        String named = System.getProperty("flannelj.distribution", "");
        for (String candidate : new String[] {named, "deploy/target/flanneld-j", "../deploy/target/flanneld-j"}) {
            Path home = Path.of(candidate).toAbsolutePath().normalize();
            if (!candidate.isEmpty() && Files.isExecutable(home.resolve("bin/flanneld-j"))) {
                return home;
            }
        }
        throw new LabException("the distribution is not built: run ./mvnw -B package");
    }
}
