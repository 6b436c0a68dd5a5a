package io.flannelj.config;

import java.nio.file.Path;

/**
 * Which of this host's daemons this is, and its files.
 *
 * @param instance {@code --instance}
 * @param subnetFile {@code --subnet-file}: where subnet.env goes
 * @param stateDirectory {@code --state-dir}: what must survive restarts
 */
public record PathOptions(Instance instance, Path subnetFile, Path stateDirectory) {
    /** Empty texts leave it to the instance. */
    public static PathOptions of(Instance instance, String subnetFile, String stateDirectory) {
        return new PathOptions(
                instance,
                subnetFile.isEmpty() ? instance.subnetFile() : Path.of(subnetFile),
                stateDirectory.isEmpty() ? instance.stateDirectory() : Path.of(stateDirectory));
    }
}
