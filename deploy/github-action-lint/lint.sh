#!/usr/bin/env bash
# Lints declarations: all of them into a SARIF file, since code scanning takes what an upload lacks
# for mended; those that a change touches for the exit code.
#
# FILES         git pathspecs, a line each
# FAIL_ON       error, warning or note
# CHANGED_ONLY  true: only files that differ from BASE count
# BASE          commit before the change; empty or zeros where there is none (a new branch)
# SARIF         where the SARIF file goes
# GITHUB_OUTPUT gets `sarif` (empty when there are no files) and `code`
set -euo pipefail

pathspecs=()
while IFS= read -r line; do
  line="${line#"${line%%[![:space:]]*}"}"
  line="${line%"${line##*[![:space:]]}"}"
  [[ -n $line ]] && pathspecs+=("$line")
done <<< "$FILES"
if ((${#pathspecs[@]} == 0)); then
  echo "::error::files: expected at least one path" >&2
  exit 2
fi

tell() {
  echo "$1=$2" >> "$GITHUB_OUTPUT"
}

# Fetches the commit that the change began from, where a shallow clone lacks it.
have_base() {
  [[ -n ${BASE:-} && ! $BASE =~ ^0+$ ]] || return 1
  git cat-file -e "$BASE^{commit}" 2> /dev/null && return 0
  git fetch --quiet --depth=1 origin "$BASE" 2> /dev/null
}

readarray -d '' -t all < <(git ls-files -z -- "${pathspecs[@]}")
if ((${#all[@]} == 0)); then
  echo "::warning::no tracked file matches ${pathspecs[*]}"
  tell sarif ''
  tell code 0
  exit 0
fi

counted=("${all[@]}")
if [[ ${CHANGED_ONLY:-true} == true ]] && have_base; then
  readarray -d '' -t counted < <(
    git diff --name-only --diff-filter=d -z "$BASE" HEAD -- "${pathspecs[@]}"
  )
fi

# `./` before a name, so that none is taken for an option or for standard input.
status=0
broker lint --output sarif --fail-on "$FAIL_ON" "${all[@]/#/./}" > "$SARIF" || status=$?
((status <= 1)) || exit "$status"
tell sarif "$SARIF"

code=0
if ((${#counted[@]} > 0)); then
  broker lint --fail-on "$FAIL_ON" "${counted[@]/#/./}" || code=$?
else
  echo "No declaration was changed."
fi
tell code "$code"
