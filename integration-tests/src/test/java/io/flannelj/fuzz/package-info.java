/**
 * Fuzzing targets of everything that reads what others wrote: each takes bytes, and fails where a promise of the reader does
 * not hold. Jazzer leads them, or {@link io.flannelj.fuzz.Mutations}, which needs no agent.
 */
package io.flannelj.fuzz;
