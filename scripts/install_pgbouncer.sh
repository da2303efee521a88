#!/usr/bin/env bash
# Puts Debian's PgBouncer on this machine, for the tests that reach the database through it. Where
# that is not possible (no apt-get, no root), it says so and leaves: those tests then skip with the
# reason. The package's own service is not started.
set -euo pipefail
if command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ]; then exit 0; fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "PgBouncer is not here and cannot be installed without root and apt-get; its tests skip."
    exit 0
fi
echo "Installing PgBouncer for the tests of the database"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends pgbouncer; } \
    >/dev/null || echo "PgBouncer could not be installed; its tests skip."
