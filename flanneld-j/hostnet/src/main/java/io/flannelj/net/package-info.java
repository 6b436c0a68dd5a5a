/** Addresses and the values made of them. No I/O but the one file that daemon and CNI plugin share. */
@NullMarked
package io.flannelj.net;

import org.jspecify.annotations.NullMarked;
