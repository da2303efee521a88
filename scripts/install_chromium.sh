#!/usr/bin/env bash
# Puts Debian's Chromium on this machine, for the tests that drive a browser. Where that is not
# possible (no apt-get, no root), it says so and leaves: those tests then skip with the reason.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Chromium is not here and cannot be installed without root and apt-get; browser tests skip."
    exit 0
fi
echo "Installing Chromium for the browser tests"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation; } \
    >/dev/null || echo "Chromium could not be installed; browser tests skip."
