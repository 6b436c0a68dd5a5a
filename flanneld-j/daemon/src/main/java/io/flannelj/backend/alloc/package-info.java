/** A lease and nothing else: another program carries the traffic. */
@NullMarked
package io.flannelj.backend.alloc;

import org.jspecify.annotations.NullMarked;
