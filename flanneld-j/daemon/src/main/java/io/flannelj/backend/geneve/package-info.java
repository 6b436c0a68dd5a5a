/** Geneve (RFC 8926), in user space. */
@NullMarked
package io.flannelj.backend.geneve;

import org.jspecify.annotations.NullMarked;
