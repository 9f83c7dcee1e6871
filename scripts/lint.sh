#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every check that needs no kernel to run. Goes on after a failure, so that one
# run shows all there is to do.

set -uo pipefail
cd "$(dirname "$0")/.." || exit

failed=()

step()
{
	local name=$1
	shift
	echo "== $name"
	"$@" || failed+=("$name")
}

need()
{
	command -v "$1" >/dev/null || {
		echo "$1 is missing (run scripts/install-deps.sh)" >&2
		return 1
	}
}

tracked()
{
	git ls-files --cached --others --exclude-standard -- "$@" |
		while read -r file; do
			[[ ! -f $file ]] || echo "$file"
		done
}

# Every file that says it is shell, whatever its name
shell_files()
{
	local file line

	tracked . | while read -r file; do
		line=
		read -r line 2>/dev/null <"$file" || :
		if [[ $file == *.sh || $line =~ ^#!.*[/\ ](ba)?sh$ ]]; then
			echo "$file"
		fi
	done
} 2>/dev/null # bash tells of NUL bytes in what it reads

run_shellcheck()
{
	need shellcheck || return
	shell_files | xargs -d '\n' shellcheck && echo "shellcheck: $(shell_files | wc -l) files"
}

run_codespell()
{
	need codespell || return
	tracked . ':!COPYING' ':!.clang-format' |
		xargs -d '\n' codespell --quiet-level=2 --ignore-words=scripts/codespell.ignore &&
		echo "codespell: no findings"
}

run_python()
{
	tracked '*.py' | xargs -r -d '\n' /usr/bin/python3 -c '
import ast, sys
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        ast.parse(file.read(), name)
print(f"python: {len(sys.argv) - 1} files parsed")'
}

step checkpatch scripts/checkpatch.sh
step layering scripts/check-layering.sh
step size scripts/check-size.sh
step shellcheck run_shellcheck
step codespell run_codespell
step python run_python

if ((${#failed[@]})); then
	echo "lint: failed: ${failed[*]}" >&2
	exit 1
fi
echo "lint: all clean"
