/** The daemon's end of the CNI socket: takes calls from plugins' processes, as {@link io.flannelj.cni.shim.Frames} has them. */
@NullMarked
package io.flannelj.cni.server;

import org.jspecify.annotations.NullMarked;
