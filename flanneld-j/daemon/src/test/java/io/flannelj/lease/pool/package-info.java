@NullMarked
package io.flannelj.lease.pool;

import org.jspecify.annotations.NullMarked;
