/** Packets as the daemon shows them to root: their form on the control socket, as a line of text, and as a capture file. */
@NullMarked
package io.flannelj.observe;

import org.jspecify.annotations.NullMarked;
