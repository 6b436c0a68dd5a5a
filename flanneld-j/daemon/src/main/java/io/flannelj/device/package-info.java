/** TUN devices and UDP sockets as the data path sees them. */
@NullMarked
package io.flannelj.device;

import org.jspecify.annotations.NullMarked;
