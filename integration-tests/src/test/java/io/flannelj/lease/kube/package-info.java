/** A fuzzing target of what is package-private in lease.kube. */
package io.flannelj.lease.kube;
