/** VXLAN (RFC 7348), in user space. */
@NullMarked
package io.flannelj.backend.vxlan;

import org.jspecify.annotations.NullMarked;
