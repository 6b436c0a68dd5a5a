/** What the packet filter's rules do to one packet, as far as they can be understood. */
@NullMarked
package io.flannelj.explain.filter;

import org.jspecify.annotations.NullMarked;
