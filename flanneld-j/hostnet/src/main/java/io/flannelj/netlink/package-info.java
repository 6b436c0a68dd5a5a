/** Links, addresses, routes, neighbours and FDB entries of one network namespace, by rtnetlink(7). */
@NullMarked
package io.flannelj.netlink;

import org.jspecify.annotations.NullMarked;
