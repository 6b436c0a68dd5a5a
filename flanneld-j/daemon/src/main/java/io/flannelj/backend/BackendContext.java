package io.flannelj.backend;

import java.nio.file.Path;
import java.time.Clock;

/**
 * What the daemon gives to every backend that starts.
 *
 * @param providers all that this daemon has
 * @param stateDirectory for what is to be kept over restarts
 */
public record BackendContext(BackendRegistry providers, Clock clock, Path stateDirectory) {}
