/** The subnets that nodes may lease: which one to take, how many are left, and for how long. */
@NullMarked
package io.flannelj.lease.pool;

import org.jspecify.annotations.NullMarked;
