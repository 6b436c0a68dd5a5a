# Kubernetes' own cases for the network.
# shellcheck shell=bash disable=SC2154
upstream() {   # upstream LOG [FOCUS SKIP]
  local log=$1 status=0; shift
  "$here/kit/e2e" "$@" >"$log" 2>&1 || status=$?
  grep -E '^\s*\[(FAIL|TIMEDOUT|PANICKED)\]' "$log" | sort -u || true
  [ "$status" = 0 ] || grep -q '^Ran ' "$log" || { tail -n 5 "$log"; return 1; }
  echo "$(sed -n 's/^Ran \([0-9]*\) of [0-9]* Specs in \([0-9]*\)[.0-9]* seconds.*/\1 cases in \2 s/p' "$log"), $(grep -oE '[0-9]+ Passed.*[0-9]+ Skipped' "$log" | tail -n 1)"
  return "$status"
}
conformance() { upstream "$results/conformance-$label.txt"; }
conformance_case() { try "upstream conformance, [sig-network]" conformance; }

# Everything else of [sig-network] but what further-left-out names, each with its reason.
further() {
  local left_out; left_out=$(grep -v '^#' "$here/cases/further-left-out.tsv" | cut -f1 | paste -sd'|')
  upstream "$results/further-$label.txt" '\[sig-network\]' "\\[Conformance\\]|$left_out"
}
further_case() { try "upstream beyond conformance, [sig-network]" further; }
