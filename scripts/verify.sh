#!/bin/sh
# Fails when generated code is stale: generates everything in place and looks whether any file
# changed, appeared or went. It compares with the files as they were and not with the last commit,
# so that it can also be run before one. What it generated stays, ready to be committed.
set -eu
cd "$(dirname "$0")/.."

before=$(mktemp) after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT

# One line for every file that is or could be committed: its content's hash and its name.
snapshot() {
	git ls-files --cached --others --exclude-standard | sort -u | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done >"$list"
	git hash-object --no-filters --stdin-paths <"$list" | paste -d ' ' - "$list"
}

list=$(mktemp)
trap 'rm -f "$before" "$after" "$list"' EXIT

snapshot >"$before"
go generate ./...
snapshot >"$after"

if ! changed=$(diff "$before" "$after"); then
	echo "verify: generated code was stale; commit what make generate has now written:" >&2
	echo "$changed" | sed -n 's/^[<>] [0-9a-f]* /  /p' | sort -u >&2
	git --no-pager diff --stat >&2
	exit 1
fi
