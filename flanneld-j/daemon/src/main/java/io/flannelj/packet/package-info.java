/** Header codecs: static views over bytes that someone else owns. */
@NullMarked
package io.flannelj.packet;

import org.jspecify.annotations.NullMarked;
