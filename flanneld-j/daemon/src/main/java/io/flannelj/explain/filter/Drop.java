package io.flannelj.explain.filter;

/**
 * What drops a packet.
 *
 * @param text the rule or the policy
 * @param remedy command that removes it
 * @param isSure whether it surely does; else it depends on what cannot be known from outside
 */
public record Drop(String text, String remedy, boolean isSure) {}
