/** Every metric's name, unit and help text, and the binders that feed them. */
@NullMarked
package io.flannelj.metrics;

import org.jspecify.annotations.NullMarked;
