/** The only door to the C library: system calls, descriptors, errno, sysctls. All JNR lives here. */
@NullMarked
package io.flannelj.linux;

import org.jspecify.annotations.NullMarked;
