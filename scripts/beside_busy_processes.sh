#!/usr/bin/env bash
# Runs a command beside two processes that are always busy, and ends them however the command ends.
set -euo pipefail
busy=()
trap 'kill "${busy[@]}" 2>/dev/null || true' EXIT
for _ in 1 2; do
  # Should this script be killed without a word, they notice.
  while kill -0 $$ 2>/dev/null; do :; done &
  busy+=($!)
done
"$@"
