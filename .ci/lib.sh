# What the scripts for the hosts share. They need root, on Debian or Ubuntu.

project=$(git -C "$(dirname "${BASH_SOURCE[0]}")/.." rev-parse --show-toplevel)
python=$project/.venv/bin/python
work=$(mktemp -d)

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

test "$(id -u)" = 0 || die "this needs root"
test -x "$python" || die "no virtual environment in .venv; CONTRIBUTING.md has the line that makes it"

# Install a package, unless its command is there.
need() {
  command -v "$1" >/dev/null && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

# Wait until a command succeeds, for two minutes at most.
wait_for() {
  local try
  for try in {1..600}; do "$@" && return; sleep 0.2; done
  die "waited in vain for: $*"
}

# The Debian mirror that this machine uses.
debian_mirror() {
  apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1
}

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg
