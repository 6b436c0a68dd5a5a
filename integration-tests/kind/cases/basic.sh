# The network as pods see it. Pods: here and there on two nodes, beside is on there's node.
# shellcheck shell=bash disable=SC2154,SC2046,SC2086
basic_pods() {
  kc create namespace "$ns" >/dev/null
  { pod here "$first"; pod there "$second"; pod beside "$second"
    pod port "$second" '"ports": [{"containerPort": 8080, "hostPort": 8088}],'
    pod pair "$first" '' '"initContainers": [{"name": "side", "restartPolicy": "Always", "image": "'"$tools"'", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", "mkdir /side; echo side >/side/name; exec busybox httpd -f -p 8081 -h /side"]}],'
    service web there; service own there '' ; service cluster there ', "type": "NodePort"'
    service local there ', "type": "NodePort", "externalTrafficPolicy": "Local"'
    service balanced there ', "type": "LoadBalancer"'
  } | k apply -f - >/dev/null
  ready 120 --all >/dev/null
}
localhost() { want "$(on pair $(get 127.0.0.1:8081/name))" side; }
same_node() { on there ping -q -c 5 -i 0.1 -W 2 "$(pod_ip beside)"; want "$(on there $(get "$(pod_host beside):8080/name"))" beside; }
icmp() {
  on here ping -q -c 10 -i 0.05 -W 2 "$(pod_ip there)"
  on there ping -q -c 10 -i 0.05 -W 2 "$(pod_ip here)" | grep rtt
}
other_family() {
  local there; there=$(k get pod there -o jsonpath='{.status.podIPs[1].ip}')
  on here ping -6 -q -c 5 -i 0.1 -W 2 "$there" | grep rtt
  want "$(on here $(get "[$there]:8080/name"))" there
}
tcp() {
  local made came
  made=$(limit=60 on there sh -c 'head -c 200000000 /dev/urandom >/www/200MB; sha256sum </www/200MB')
  came=$(limit=120 on here sh -c "curl -sS -f -g -m 110 http://$(pod_host there):8080/200MB | sha256sum")
  want "$came" "$made"
  on there rm /www/200MB
}
large_udp() {
  local report; report=$(on here iperf3 -J -u -l 8000 -b 4M -t 2 -c "$(pod_ip there)")
  jq -r '.end.sum | "\(.lost_packets) of \(.packets) datagrams of 8000 bytes lost"' <<<"$report"
  want "$(jq '.end.sum | .lost_packets * 100 / .packets < 2' <<<"$report")" true
}
pod_to_node() { on here ping -q -c 3 -i 0.1 -W 2 "$(node_ip "$second")"; on here ping -q -c 3 -i 0.1 -W 2 "$(node_ip "$first")"; }
node_to_pod() { node_do "$first" $(get "$(pod_host there):8080/name"); want "$(node_do "$first" $(get "$(pod_host here):8080/name"))" here; }
dns() {
  want "$(on here $(get "web.$ns.svc.cluster.local/name"))" there
  want "$(on there $(get "web.$ns/name"))" there "a pod through its own service"
  want "$(on beside $(get "web/name"))" there
}
node_port_cluster() {
  local port; port=$(node_port cluster)
  want "$(outside $(get "$(node_host "$first"):$port/name"))" there "through the node without the pod"
  want "$(outside $(get "$(node_host "$second"):$port/name"))" there
  # Kubernetes promises no source address here; it must be one that answers come back to.
  echo "asked by $(outside $(get "$(node_host "$first"):$port/cgi-bin/who"))"
}
node_port_local() {
  local port own; port=$(node_port local)
  own=$(outside_is IPAddress GlobalIPv6Address)
  want "$(outside $(get "$(node_host "$second"):$port/cgi-bin/who"))" "$own" "source address"
  if outside curl -s -g -m 3 "http://$(node_host "$first"):$port/name"; then echo "answered on a node without the pod"; return 1; fi
  echo "source address $own is kept"
}
load_balancer() {
  local address=198.51.100.10 length=32; [ "$family" != ipv6 ] || address=2001:db8::10 length=128
  k patch service balanced --subresource=status --type merge -p "{\"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": \"$address\"}]}}}" >/dev/null
  outside ip route replace "$address/$length" via "$(node_ip "$first")"
  await 15 outside $(get "$(in_url "$address")/name")
  want "$(outside $(get "$(in_url "$address")/name"))" there
}
host_port() { want "$(outside $(get "$(node_host "$second"):8088/name"))" port; want "$(on here $(get "$(node_host "$second"):8088/name"))" port; }
to_the_world() { on here ping -q -c 3 -i 0.1 -W 2 "$(outside_is Gateway IPv6Gateway)"; }
mtu() {
  local mtu said headers=28; [ "$family" != ipv6 ] || headers=48
  said=$(node_do "$first" sed -n 's/^FLANNEL_MTU=//p' /run/flannel/subnet.env)
  mtu=$(on here cat /sys/class/net/eth0/mtu)
  want "$mtu" "$said" "MTU of a pod"
  on here ping -q -M do -c 3 -i 0.1 -W 2 -s $((mtu - headers)) "$(pod_ip there)"
  if on here ping -q -M do -c 1 -W 1 -s $((mtu - headers + 1)) "$(pod_ip there)"; then echo "a packet larger than the MTU went through"; return 1; fi
  echo "MTU $mtu, held"
}
basic_cases() {
  try "pods come up" basic_pods
  try "containers of a pod over 127.0.0.1" localhost
  try "pods on one node" same_node
  try "pods across nodes: ICMP" icmp
  [ "$family" != dual ] || try "pods across nodes by IPv6" other_family
  try "pods across nodes: TCP, 200 MB checksummed" tcp
  try "pods across nodes: UDP larger than the MTU" large_udp
  try "pod to node" pod_to_node
  try "node to pod" node_to_pod
  try "ClusterIP and DNS" dns
  try "NodePort, externalTrafficPolicy Cluster" node_port_cluster
  try "NodePort, externalTrafficPolicy Local" node_port_local
  try "LoadBalancer" load_balancer
  try "hostPort" host_port
  try "pod to the world" to_the_world
  try "MTU of pods, path MTU" mtu
}
