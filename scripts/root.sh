# Sourced by the set-up scripts: running what needs root, and stopping with a reason.

say() { printf '%s\n' "$*" >&2; }

stop() {
  say "$1"
  say "  to do: $2"
  exit 1
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    sudo "$@"
  else
    return 126
  fi
}

# install_packages PACKAGE...: from Debian's or Ubuntu's archive.
install_packages() {
  command -v apt-get >/dev/null ||
    stop "this system has no apt-get to install: $*" "install them with its own package manager, then run make again"
  say "installing $* (Debian packages)"
  local log=.cache/packages.log
  mkdir -p .cache
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null || {
    tail -n 15 "$log" >&2
    stop "these packages could not be installed: $*" "the lines above and $log say why; as root: apt-get install $*"
  }
}
