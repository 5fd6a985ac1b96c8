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
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$@"; } >&2 </dev/null ||
    stop "these packages could not be installed: $*" "as root: apt-get install $*"
}
