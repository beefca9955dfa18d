#!/usr/bin/env bash
# The extension's phase of continuous integration: types, lints, unit tests, the VSIX, and the end-to-end tests
# of the smoke run in a browser. Wants the program built and the embedded Lean installed (the Rust tests do both).
set -euo pipefail
cd "$(dirname "$0")"
exec </dev/null

have() { command -v "$1" >/dev/null 2>&1; }
missing=()
have chromium || have chromium-browser || have google-chrome || missing+=(chromium fonts-dejavu-core)
have pkg-config || missing+=(pkg-config)
have python3 || missing+=(python3)
have c++ || missing+=(build-essential)
[ -e /usr/include/gssapi/gssapi.h ] || missing+=(libkrb5-dev)
have ps || missing+=(procps)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && have apt-get; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  else
    echo "error: missing: ${missing[*]}" >&2
    echo "hint: install them (Debian: apt-get install ${missing[*]})" >&2
    exit 1
  fi
fi

npm ci --ignore-scripts --no-audit --no-fund
npm test
npm run package
if [ ! -e e2e/node_modules/code-server/lib/vscode/node_modules ]; then npm run e2e:install; fi
npm run e2e -- --smoke
