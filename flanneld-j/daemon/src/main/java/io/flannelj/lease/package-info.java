/** Leases: what they are, the table of peers, and the keeper that holds our own. */
@NullMarked
package io.flannelj.lease;

import org.jspecify.annotations.NullMarked;
