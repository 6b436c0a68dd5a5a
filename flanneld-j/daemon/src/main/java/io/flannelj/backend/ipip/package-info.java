/** IP in IP (RFC 2003), in user space over a raw socket. */
@NullMarked
package io.flannelj.backend.ipip;

import org.jspecify.annotations.NullMarked;
