/** The packet filter's programs, iptables and nft: list, compare, replace, restore. What the rules are is their owners' business. */
@NullMarked
package io.flannelj.packetfilter;

import org.jspecify.annotations.NullMarked;
