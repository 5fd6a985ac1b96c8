#!/usr/bin/env bash
# Sees to it that PostgreSQL's programs are there for the tests, which start a server of their own; installs
# Debian's where none are, without the server that the package would start for the system.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/root.sh

readonly CONF=/etc/postgresql-common/createcluster.conf

compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && exit
command -v postgres >/dev/null && exit

# The package makes a cluster and starts it, unless this file says no by the time that it is installed.
install_packages postgresql-common
as_root cp -p "$CONF" "$CONF.before-grader"
trap 'as_root mv "$CONF.before-grader" "$CONF"' EXIT
as_root sed -i '/create_main_cluster/d; $ a create_main_cluster = false' "$CONF"
install_packages postgresql
