/** Plain routes through the peers' own addresses; no encapsulation. */
@NullMarked
package io.flannelj.backend.hostgw;

import org.jspecify.annotations.NullMarked;
