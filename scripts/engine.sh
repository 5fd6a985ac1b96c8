#!/usr/bin/env bash
# Sees to it that a Docker engine answers: installs one (Debian, Ubuntu) and starts it where needed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/root.sh

readonly LOG=.cache/dockerd.log
readonly WAIT_S=60

# Prints "up", "denied" or "down". The SDK decides, since it is what the grader itself uses.
engine_state() {
  .venv/bin/python - <<'PYTHON'
import docker

try:
    docker.from_env(timeout=10).ping()
except docker.errors.DockerException as error:
    print("denied" if "Permission denied" in str(error) else "down")
else:
    print("up")
PYTHON
}

wait_until_up() {
  local end=$((SECONDS + $1))
  until [[ $(engine_state) == up ]]; do
    ((SECONDS < end)) || return 1
    sleep 1
  done
}

install_engine() {
  local missing=() command
  declare -A package=([dockerd]=docker.io [iptables]=iptables [debootstrap]=debootstrap [bwrap]=bubblewrap)
  for command in "${!package[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || missing+=("${package[$command]}")
  done
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

# A pid file that outlived its process makes dockerd refuse to start once the number is taken by another.
remove_stale_pid_file() {
  local file=$1 name=$2 pid
  [[ -f $file ]] || return 0
  pid=$(as_root cat "$file")
  [[ -r /proc/$pid/comm && $(<"/proc/$pid/comm") == "$name" ]] || as_root rm -f "$file"
}

start_by_service_manager() {
  if [[ -d /run/systemd/system ]]; then
    as_root systemctl start docker
  else
    return 1
  fi
}

start_directly() {
  remove_stale_pid_file /var/run/docker.pid dockerd
  remove_stale_pid_file /var/run/docker/containerd/containerd.pid containerd
  mkdir -p "$(dirname "$LOG")"
  # A session of its own, so that the engine outlives this command; descriptor 9 is the lock below.
  PATH=$PATH:/usr/sbin:/sbin as_root setsid --fork dockerd >"$LOG" 2>&1 </dev/null 9>&-
}

start_engine() {
  say "starting the Docker engine"
  if grep -qsx dockerd /proc/[0-9]*/comm && wait_until_up 15; then
    return
  fi
  start_by_service_manager >/dev/null 2>&1 || start_directly || explain_no_root
  wait_until_up $WAIT_S || explain_failure
}

explain_no_root() {
  stop "a Docker engine has to be started, and that needs root" \
    "as root: dockerd & (or: systemctl start docker), then run make again"
}

explain_denied() {
  stop "the Docker engine runs, but $(id -un) may not use it" \
    "as root: usermod -aG docker $(id -un); log in again, then run make again"
}

explain_failure() {
  [[ $(engine_state) == denied ]] && explain_denied
  [[ -f $LOG ]] && tail -n 15 "$LOG" >&2
  stop "the Docker engine did not answer within $WAIT_S s" "the lines above and $LOG say why it did not start"
}

main() {
  case $(engine_state) in
    up) return ;;
    denied) explain_denied ;;
  esac
  if [[ -n ${DOCKER_HOST:-} ]]; then
    stop "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST" "start that engine, or unset DOCKER_HOST"
  fi
  install_engine
  start_engine
}

mkdir -p .cache
exec 9>.cache/engine.lock
flock 9
main
