# What could be left on a machine: written down before and after, and compared. Labs of other tests (fl…) come and go meanwhile.
# shellcheck shell=bash disable=SC2154 # set by run
machine() {   # machine FILE
  { echo "# links"; ip -o link | awk -F': ' '{sub(/@.*/, "", $2); print $2}' | grep -vE '^(fl[jt]|veth)' | sort || true
    echo "# network namespaces"; ip netns list | awk '{print $1}' | grep -v '^fl[jt]' | sort || true
    echo "# mounts"; awk '{print $5}' /proc/self/mountinfo | grep -v '/netns/fl[jt]' | sort || true
    echo "# routes and their rules"; for family in -4 -6; do ip $family rule; ip $family route show table all; done | sed 's/ expires [0-9]*sec//' | sort || true
    echo "# firewall"; for save in iptables-save ip6tables-save; do $save 2>/dev/null | grep '^[-:]' | sed 's/ \[[0-9:]*\]//' | sort || true; done
    nft --stateless list ruleset 2>/dev/null || true
    echo "# sysctls"; sysctl kernel.panic kernel.panic_on_oops vm.overcommit_memory fs.file-max fs.nr_open net.ipv4.ip_forward 2>/dev/null || true
    echo "# processes"; ps -eo comm | grep -E '^(dockerd|containerd.*|docker-proxy|runc|kubelet|kube-.*|flanneld.*)$' | sort | uniq -c || true
    echo "# cgroups"; find /sys/fs/cgroup -maxdepth 2 -type d -regex '.*/\(docker\|kubelet\|kubepods\|system.slice/docker-\).*' | sort || true
    if stock; then echo "# containers and networks"; docker ps -a --format '{{.Names}}' | sort; docker network ls --format '{{.Name}}' | sort; fi
  } >"$results/machine-$1.txt"
}
compare_machine() {
  [ -f "$results/machine-before.txt" ] || { echo "run: a cluster that --keep left was there before; the machine is not compared" >&2; return; }
  machine after
  if diff -U0 "$results/machine-before.txt" "$results/machine-after.txt" >"$results/left-behind.diff"; then
    echo "nothing is left on the machine"
  else
    echo "run: something is left on the machine ($results/left-behind.diff):" >&2
    sed -n '3,30p' "$results/left-behind.diff" >&2
    return 1
  fi
}
