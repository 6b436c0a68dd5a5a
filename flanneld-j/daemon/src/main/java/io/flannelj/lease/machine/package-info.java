/** How a node gets a lease and keeps it: a pure machine, without clock, thread or I/O. */
@NullMarked
package io.flannelj.lease.machine;

import org.jspecify.annotations.NullMarked;
