/** A laboratory: nodes, pods, etcd, captures and faults in network namespaces, which it makes and takes away. */
@NullMarked
package io.flannelj.lab;

import org.jspecify.annotations.NullMarked;
