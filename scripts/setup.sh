#!/bin/sh
# Installs what is missing to build, run or test headroom, and nothing else. Says one line for each
# thing it does; silent and quick (well under a second) when nothing is missing.
#
#   scripts/setup.sh build   a C compiler, pkg-config, libvips; checks Go and Node.js
#   scripts/setup.sh run     the same
#   scripts/setup.sh test    and PostgreSQL, Chromium, jq, curl, npm's and Python's clients for the tests
#
# On Debian and Ubuntu it installs system packages with apt-get (as root, or through sudo).
# Elsewhere it says what to install and fails.
set -eu

cd "$(dirname "$0")/.."
stage=${1:-}
case $stage in
build | run | test) ;;
*)
	echo "usage: scripts/setup.sh build|run|test" >&2
	exit 2
	;;
esac

say() { echo "setup: $*"; }

fail() {
	echo "setup: $*" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# quietly DESCRIPTION COMMAND... says the description, and shows what the command printed only if it fails.
quietly() {
	say "$1"
	shift
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		fail "failed: $*"
	fi
	rm -f "$log"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

# The lists may be missing (as in a new container) or old, so a failed install is tried once more with new ones.
apt_install() {
	as_root apt-get install -y --no-install-recommends "$@" && return
	as_root apt-get update && as_root apt-get install -y --no-install-recommends "$@"
}

# install THING DEBIAN BREW FEDORA installs the packages on Debian, and elsewhere says how to.
install() {
	if have apt-get; then
		if [ "$(id -u)" != 0 ] && ! have sudo; then
			fail "$1 is missing; as root: apt-get install -y --no-install-recommends $2"
		fi
		# shellcheck disable=SC2086 # a list of packages
		quietly "installing $1 (apt-get install $2)" apt_install $2
	elif have brew; then
		fail "$1 is missing; install it with: brew install $3"
	elif have dnf; then
		fail "$1 is missing; install it with: sudo dnf install $4"
	else
		fail "$1 is missing; install it with your system's package manager (Debian calls it: $2)"
	fi
}

# at_least WANTED FOUND compares versions such as 1.26 and 1.26.8.
at_least() {
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$1" ]
}

check_go() {
	have go || fail "Go is missing; headroom needs Go 1.26 or newer"
	# local: ask the Go that is here, not one that it would download to answer.
	found=$(cd / && GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
	at_least 1.26 "$found" || fail "Go $found is too old; headroom needs Go 1.26 or newer"
}

check_node() {
	have node || install "Node.js" "nodejs npm" node "nodejs npm"
	have npm || install "npm" npm node npm
	found=$(node --version | sed 's/^v//')
	at_least 20.0 "$found" || fail "Node.js $found is too old; headroom needs Node.js 20 or newer"
}

# libheif 1.16 and newer reads HEIC (H.265) and AVIF by plugins, which Debian only recommends.
heif_plugins() {
	have dpkg-query || return 0
	version=$(dpkg-query -W -f='${Version}\n' libheif1 2>/dev/null | head -n 1) || return 0
	{ [ -n "$version" ] && dpkg --compare-versions "$version" ge 1.16; } || return 0
	for plugin in /usr/lib/*/libheif/plugins/libheif-libde265.so /usr/lib/*/libheif/libheif-libde265.so; do
		[ -e "$plugin" ] && return 0
	done
	install "libheif's decoders" "libheif-plugin-libde265 libheif-plugin-aomdec" libheif libheif-freeworld
}

setup_build() {
	check_go
	check_node
	have cc || have gcc || install "a C compiler" "gcc libc6-dev" gcc gcc
	have pkg-config || install pkg-config pkg-config pkg-config pkgconf-pkg-config
	pkg-config --exists vips || install libvips libvips-dev vips vips-devel
	heif_plugins
}

have_postgres() {
	have initdb && return
	for program in /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb \
		/usr/local/opt/postgresql@*/bin/initdb /usr/pgsql-*/bin/initdb; do
		[ -x "$program" ] && return
	done
	return 1
}

have_chromium() {
	have chromium || have chromium-browser || have google-chrome || [ -d "/Applications/Google Chrome.app" ] || [ -d /Applications/Chromium.app ]
}

setup_test() {
	have_postgres || install PostgreSQL postgresql postgresql@17 "postgresql-server postgresql-contrib"
	have jq || install jq jq jq jq
	have curl || install curl curl curl curl
	have ps || install ps procps procps procps-ng
	have_chromium || install Chromium chromium "--cask chromium" chromium
	# npm writes this file last, so a cut-off install counts as none.
	if ! [ test/clients/node_modules/.package-lock.json -nt test/clients/package-lock.json ]; then
		quietly "installing npm's clients for the tests" npm --prefix test/clients ci --ignore-scripts --loglevel=error
	fi
	if ! cmp -s test/clients/requirements.txt .cache/venv/requirements.txt; then
		have python3 || install Python "python3 python3-venv" python3 python3
		python3 -c 'import ensurepip, venv' 2>/dev/null || install "Python's venv" python3-venv python3 python3
		quietly "installing Python's clients for the tests" python_clients
	fi
}

python_clients() {
	rm -rf .cache/venv
	python3 -m venv .cache/venv &&
		.cache/venv/bin/python -m pip install --quiet --disable-pip-version-check -r test/clients/requirements.txt &&
		cp test/clients/requirements.txt .cache/venv/requirements.txt
}

setup_build
[ "$stage" != test ] || setup_test
