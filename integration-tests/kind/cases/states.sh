# What can be wrong with an installation: each is named by the daemon's log in one line with the remedy, and the pod is not
# ready meanwhile; with the cause gone it comes back by itself.
# shellcheck shell=bash disable=SC2154
pod_on() { kc -n kube-flannel get pods -l app=flanneld-j --field-selector "spec.nodeName=$1" -o name | head -n 1; }
is_ready() { [ "$(kc -n kube-flannel get "$(pod_on "$1")" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = "$2" ]; }
logs_of() { local p; p=$(pod_on "$1"); { kc -n kube-flannel logs "$p" --all-containers --tail=40; kc -n kube-flannel logs "$p" --previous --tail=40; } 2>/dev/null || true; }
says() { logs_of "$1" | grep -E "$2" | tail -n 1 >"$work/line"; }   # kept at once: the log of a container between two starts is empty
renew() { kc -n kube-flannel delete "$(pod_on "$1")" --wait --timeout=60s >/dev/null; }
named() {   # named NODE REGEX [SECONDS]: not ready, and says so in one line; the line is the remark
  await "${3:-60}" says "$1" "$2" || { logs_of "$1" | tail -n 20; return 1; }
  await 30 is_ready "$1" False || { echo "the pod counts as ready"; return 1; }
  line=$(<"$work/line")
}
sound() { await 400 is_ready "$second" True; }   # what the case before did is over
well_again() { await "${1:-120}" is_ready "$second" True; echo "$line"; }

broken_config() {
  sound
  kc -n kube-flannel get cm flanneld-j-config -o json | jq 'del(.metadata.resourceVersion)' >"$work/config.json"
  jq '.data["net-conf.json"] = "{\"Network\": \"10.244.0.0/16\", \"Backend\": {\"Type\": \"vxlam\"}}"' "$work/config.json" | kc apply -f - >/dev/null 2>&1
  renew "$second"; named "$second" 'Backend\.Type.*vxlam'
  kc apply -f "$work/config.json" >/dev/null 2>&1; renew "$second"; well_again
}
no_tun() {
  sound
  trap 'node_do "$second" sh -c "[ ! -e /dev/net/tun.away ] || mv /dev/net/tun.away /dev/net/tun"' EXIT
  node_do "$second" mv /dev/net/tun /dev/net/tun.away
  renew "$second"; named "$second" '/dev/net/tun.*modprobe tun'
  node_do "$second" mv /dev/net/tun.away /dev/net/tun; well_again 400
}
second_cni() {
  sound
  trap 'node_do "$second" rm -f /etc/cni/net.d/05-other.conflist' EXIT
  node_do "$second" sh -c 'echo "{\"cniVersion\":\"0.3.1\",\"name\":\"other\",\"plugins\":[{\"type\":\"bridge\"}]}" >/etc/cni/net.d/05-other.conflist'
  renew "$second"; named "$second" 'second CNI.*05-other.conflist.*remove'
  node_do "$second" rm /etc/cni/net.d/05-other.conflist; well_again 400
}
no_pod_cidr() {
  sound
  manager=/etc/kubernetes/manifests/kube-controller-manager.yaml
  trap 'node_do "$cluster-control-plane" sed -i s/--allocate-node-cidrs=false/--allocate-node-cidrs=true/ "$manager"' EXIT
  node_do "$cluster-control-plane" sed -i 's/--allocate-node-cidrs=true/--allocate-node-cidrs=false/' "$manager"
  sleep 25
  kc delete node "$second" >/dev/null; node_do "$second" systemctl restart kubelet
  await 60 kc get node "$second"
  await 60 sh -c "[ -n \"\$($(kubectl_words) -n kube-flannel get pods -l app=flanneld-j --field-selector spec.nodeName=$second -o name)\" ]"
  renew "$second"   # a daemon that runs keeps carrying for the subnet it knows
  named "$second" 'podCIDR.*(allocate-node-cidrs|cluster-cidr)' 90
  node_do "$cluster-control-plane" sed -i 's/--allocate-node-cidrs=false/--allocate-node-cidrs=true/' "$manager"
  well_again 200
}
no_rbac() {
  sound
  kc get clusterrolebinding flanneld-j -o json | jq 'del(.metadata.resourceVersion, .metadata.uid)' >"$work/binding.json"
  trap 'kc apply -f "$work/binding.json" >/dev/null' EXIT
  kc delete clusterrolebinding flanneld-j >/dev/null
  # A watch that was allowed goes on until it ends; a new apiserver ends it.
  node_do "$cluster-control-plane" pkill -KILL kube-apiserver
  await 120 kc get --raw /readyz
  named "$second" 'forbids us to .*cluster role' 120
  kc apply -f "$work/binding.json" >/dev/null; well_again 300
}
states_run() {
  label=${labels[0]}
  if [ "$reuse" = yes ]; then meet_cluster
  else
    phase "$label: cluster"; create_cluster
    phase "$label: network"; apply_network; wait_network
  fi
  phase "states"
  try "a broken network config" broken_config
  try "no TUN device" no_tun
  try "a second CNI in the way" second_cni
  try "rights taken away while running" no_rbac
  try "a node without podCIDR" no_pod_cidr
}
