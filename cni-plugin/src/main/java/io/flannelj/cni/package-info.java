/** The CNI plugin: the thin client, and the engine that wires pods into the node's bridge. */
@NullMarked
package io.flannelj.cni;

import org.jspecify.annotations.NullMarked;
