package io.flannelj.backend;

import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Executor;

/**
 * What the daemon gives to every backend that starts.
 *
 * @param providers all that this daemon has
 * @param stateDirectory for what is to be kept over restarts
 * @param disk writes there, one thing after the other; the control thread does not wait for it
 */
public record BackendContext(BackendRegistry providers, Clock clock, Path stateDirectory, Executor disk) {}
