/** A fuzzing target of what is package-private in netlink. */
package io.flannelj.netlink;
