# Sourced by overlay and scale: builds the laboratory and runs one of its benchmarks. Wants $root.

# run_benchmark CLASS PREPARED ARGUMENT...: installs what PREPARED stands for, builds, and runs the class. Asked for help it
# installs and builds nothing: the help is that of the last build.
run_benchmark() {
  local class=$1 prepared=$2 lab
  shift 2
  cd "$root"
  case " $* " in
    *" --help "* | *" -h "*)
      if ! compgen -G "$root/integration-tests/target/flannelj-integration-tests-*.jar" >/dev/null; then
        echo "nothing is built yet; ./mvnw -DskipTests package builds, then --help lists the options" >&2
        exit 1
      fi
      ;;
    *)
      [ "$(id -u)" -eq 0 ] || { echo "${0##*/}: needs root for network namespaces" >&2; exit 1; }
      "$root/deploy/prepare" "$prepared"
      ./mvnw -B -q -ntp -DskipTests package
      ;;
  esac
  lab=$(compgen -G "$root/integration-tests/target/flannelj-integration-tests-*.jar" | head -1)
  exec java -Dflannelj.distribution="$root/deploy/target/flanneld-j" -cp "$lab:$root/deploy/target/flanneld-j/lib/*" \
    "io.flannelj.lab.bench.$class" "$@"
}
