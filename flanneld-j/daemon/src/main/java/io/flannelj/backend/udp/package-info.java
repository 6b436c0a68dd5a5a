/** flannel's first encapsulation: the bare IP packet in UDP. */
@NullMarked
package io.flannelj.backend.udp;

import org.jspecify.annotations.NullMarked;
