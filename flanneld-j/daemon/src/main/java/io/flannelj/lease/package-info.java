/** Leases: what they are, how they are written, and the store they lie in. */
@NullMarked
package io.flannelj.lease;

import org.jspecify.annotations.NullMarked;
