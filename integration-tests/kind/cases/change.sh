# What may happen to a cluster while pods talk.
# shellcheck shell=bash disable=SC2154,SC2046,SC2086
both_ways() { traffic_begin "$1-out" here "$(pod_ip there)"; traffic_begin "$1-in" there "$(pod_ip here)"; sleep 1; }
both_ended() {   # the loss of both directions stands in $lost
  local out back; out=$(traffic_end "$1-out" here) back=$(traffic_end "$1-in" there)
  lost=$(($(cut -d' ' -f2 <<<"$out") + $(cut -d' ' -f2 <<<"$back")))
  echo "there $out, back $back"
}
daemons() { kc -n "$daemon_ns" "$@"; }
rolled_out() { daemons rollout status "ds/$daemon_set" --timeout=300s; }

restart() {
  local before; before=$(subnets)
  both_ways restart
  daemons rollout restart "ds/$daemon_set"; rolled_out
  sleep 1; still_talks; both_ended restart
  want "$(subnets)" "$before" "FLANNEL_SUBNET of each node"
}
subnets() { for node in "${nodes[@]}"; do node_do "$node" grep SUBNET /run/flannel/subnet.env; done; }
made_again() {
  k delete pod there --wait --timeout=60s >/dev/null
  pod there "$second" | k apply -f - >/dev/null; ready 60 there
  still_talks; want "$(on here $(get "web/name"))" there "by its service"
}
upgrade() {
  local before; before=$(daemons get "ds/$daemon_set" -o jsonpath='{.spec.template.spec.containers[0].image}')
  docker tag "$before" "${before%:*}:next"
  load "${before%:*}:next"
  both_ways upgrade
  daemons set image "ds/$daemon_set" "*=${before%:*}:next"; rolled_out
  sleep 1; still_talks; both_ended upgrade
}
still_talks() {   # soon: a successor counts as ready while its predecessor still answers for it
  await 30 on here ping -q -c 5 -i 0.1 -W 2 "$(pod_ip there)"; await 30 on there ping -q -c 5 -i 0.1 -W 2 "$(pod_ip here)"
}
killed() {
  both_ways killed
  node_do "$second" pkill -KILL -f "$daemon_process"
  sleep 3
  await 60 rolled_out
  await 30 on here ping -q -c 2 -i 0.1 -W 1 "$(pod_ip there)"
  sleep 1; both_ended killed
}
apiserver_away() {
  local manifests=/etc/kubernetes
  both_ways away
  node_do "$cluster-control-plane" mv $manifests/manifests/kube-apiserver.yaml $manifests/
  sleep "${AWAY:-120}"
  if kc get --raw /readyz --request-timeout=3s >/dev/null 2>&1; then echo "the apiserver did not go away"; return 1; fi
  node_do "$cluster-control-plane" mv $manifests/kube-apiserver.yaml $manifests/manifests/
  await 120 kc get --raw /readyz
  await 60 rolled_out
  both_ended away
  [ "$lost" -le 5 ]
}
fifty_pods() {
  local before after name
  addresses() { for node in "${nodes[@]}"; do node_do "$node" sh -c 'ls /var/lib/cni/networks/*/ 2>/dev/null | grep -c "^[0-9a-f]*[.:]"' || true; done | tr '\n' ' '; }
  before=$(addresses)
  for _ in 1 2 3 4 5; do
    for name in 0 1 2 3 4 5 6 7 8 9; do
      pod "many-$name" "${nodes[$((name % ${#nodes[@]}))]}" | sed 's/"labels": {/"labels": {"many": "yes", /'
    done | k apply -f - >/dev/null
    ready 90 -l many=yes >/dev/null
    k delete pod -l many=yes --wait --timeout=60s >/dev/null
  done
  # The runtime takes a pod's network away a moment after the pod has gone.
  for _ in {1..20}; do after=$(addresses); [ "$after" != "$before" ] || break; sleep 1; done
  want "$after" "$before" "address files of each node"
}
node_leaves_and_comes() {
  [ ${#nodes[@]} -ge 3 ] || { echo "SKIP: needs three nodes"; return; }
  local third=${nodes[2]}
  both_ways node
  pod third "$third" | k apply -f - >/dev/null; ready 60 third
  on here ping -q -c 3 -i 0.1 -W 2 "$(pod_ip third)"
  kc delete node "$third" --wait=false; docker stop -t 2 "$third"
  sleep 3
  docker start "$third"
  await 180 kc wait --for=condition=Ready "node/$third" --timeout=5s
  await 60 rolled_out
  k delete pod third --ignore-not-found --force --grace-period=0 2>/dev/null || true
  pod third "$third" | k apply -f - >/dev/null; ready 90 third
  await 20 on here ping -q -c 3 -i 0.1 -W 2 "$(pod_ip third)"
  both_ended node
  [ "$lost" -eq 0 ]
}
change_cases() {
  try "DaemonSet restarted under traffic" restart
  try "DaemonSet upgraded under traffic" upgrade
  try "daemon killed (SIGKILL) under traffic" killed
  try "a pod is deleted and made again" made_again
  try "50 pods, ten at a time, no address leaked" fifty_pods
  try "a node leaves and comes back under traffic" node_leaves_and_comes
  try "apiserver away for two minutes under traffic" apiserver_away
}
