/** A lease and nothing else: somebody else carries the traffic. */
@NullMarked
package io.flannelj.backend.alloc;

import org.jspecify.annotations.NullMarked;
