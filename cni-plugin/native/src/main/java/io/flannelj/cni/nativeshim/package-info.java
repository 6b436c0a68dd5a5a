/** The plugin's process as a native program: the shim over the C library, compiled to C and then by the C compiler. */
@NullMarked
package io.flannelj.cni.nativeshim;

import org.jspecify.annotations.NullMarked;
