/** What drives the lease machine, follows the store and waits: clocks, queues and I/O. */
@NullMarked
package io.flannelj.lease.loop;

import org.jspecify.annotations.NullMarked;
