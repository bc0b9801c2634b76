#!/usr/bin/env bash
# Install Chromium from the system's packages, for the tests that open a report in a real browser.
# Does nothing where a browser is there already. Never fails: without a browser those tests skip and say so.
set -uo pipefail

for browser in chromium google-chrome chromium-browser google-chrome-stable; do
    if command -v "$browser" > /dev/null; then
        exit 0
    fi
done

skip() {
    echo "No Chromium or Chrome found, and $1; the tests that need a browser will be skipped."
    exit 0
}

as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || skip "only root can install one"
    sudo --non-interactive true 2> /dev/null || skip "sudo asks for a password"
    as_root=(sudo --non-interactive env)
fi
command -v apt-get > /dev/null || skip "this system has no apt-get"

echo "Installing Chromium from the system's packages for the browser tests."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium
}
install > "$log" 2>&1 \
    || { "${as_root[@]}" apt-get update && install; } >> "$log" 2>&1 \
    || { tail -n 5 "$log"; skip "it could not be installed"; }
