/** The way of a packet between TUN queue and UDP socket, on one thread. */
@NullMarked
package io.flannelj.datapath;

import org.jspecify.annotations.NullMarked;
