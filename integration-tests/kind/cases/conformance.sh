# Kubernetes' own cases for the network.
# shellcheck shell=bash disable=SC2154
conformance_case() {
  local log=$results/conformance-$label.txt
  conformance() {
    "$here/kit/e2e" >"$log" 2>&1 || { grep -E '^\s*\[FAIL\]|Ran [0-9]+ of' "$log" || tail -n 5 "$log"; return 1; }
    sed -n 's/^Ran \([0-9]* of [0-9]*\) Specs in \([0-9.]* seconds\).*/\1 cases in \2/p' "$log"
    grep -E -- '-- [0-9]+ Passed|[0-9]+ Passed' "$log" | tail -n 1 | tr -s ' '
  }
  try "upstream conformance, [sig-network]" conformance
}
