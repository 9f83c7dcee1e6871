# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Traffic by one helper process instead of one for each packet: see lib_agent.py
# for the commands. Sourced after lib.sh.
#
#	agent_start
#	agent sniff peer "$PEER" ipsec0
#	expect "answered" agent ping "$LAN" 10.2.0.1
#	expect_eq "all of them came" "$(agent seen peer proto=17)" 100

# agent_start [MODULE...]: MODULEs are lib_agent_*.py, without the ending
agent_start()
{
	local dir=$TEST_TMP/agent
	mkdir "$dir" && mkfifo "$dir/to" "$dir/from" || bail "cannot create the agent's pipes"
	env PYTHONDONTWRITEBYTECODE=1 "MARK=$PLAINTEXT_MARK" \
		/usr/bin/python3 "$BOWTIE_SELFTESTS/lib_agent.py" "$@" \
		<"$dir/to" >"$dir/from" 2>"$dir/err" &
	AGENT_PID=$!
	defer kill "$AGENT_PID"
	exec {AGENT_TO}>"$dir/to" {AGENT_FROM}<"$dir/from"
}

# agent COMMAND ARG...: prints the answer; fails if the command has
agent()
{
	local status text
	printf '%q ' "$@" >&"$AGENT_TO"
	echo >&"$AGENT_TO"
	if ! read -r -t 300 -u "$AGENT_FROM" status text; then
		echo "the agent is silent: $(tail -n 3 "$TEST_TMP/agent/err")"
		return 1
	fi
	echo "$text"
	[[ $status == ok ]]
}
