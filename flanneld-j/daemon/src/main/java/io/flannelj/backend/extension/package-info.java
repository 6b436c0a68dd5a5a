/** Commands of the operator's own carry the traffic. */
@NullMarked
package io.flannelj.backend.extension;

import org.jspecify.annotations.NullMarked;
