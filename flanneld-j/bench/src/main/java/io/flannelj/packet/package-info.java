/** What summing costs. */
@NullMarked
package io.flannelj.packet;

import org.jspecify.annotations.NullMarked;
