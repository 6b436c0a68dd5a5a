/** Sends probes, receives the answers, and tells what they say: threads, sockets, clocks. */
@NullMarked
package io.flannelj.probe.loop;

import org.jspecify.annotations.NullMarked;
