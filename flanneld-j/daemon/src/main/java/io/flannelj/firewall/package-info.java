/** Masquerade and forward rules: the state wanted goes in, the difference is applied. */
@NullMarked
package io.flannelj.firewall;

import org.jspecify.annotations.NullMarked;
