/** What a container runtime asks of a CNI plugin and what it is answered, shared by plugin, daemon and engine. */
@NullMarked
package io.flannelj.cni;

import org.jspecify.annotations.NullMarked;
