/** Tunnel segmentation by the kernel: the device that super-packets leave by uncut, and the next hops of peers. */
@NullMarked
package io.flannelj.gso;

import org.jspecify.annotations.NullMarked;
