#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# A configuration that is wrong says where, with status 1, and changes nothing, whoever
# asks for it: bowtied --check, bowtie config check, diff and reload, SIGHUP, the start.
# Secrets are nowhere but in their files. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

# refused NAME LINE:COLUMN REGEX: bowtie.yaml as it is now
refused()
{
	local name=$1 said="$LAB/gw/bowtie.yaml:$2: .*$3"
	expect_error "$name: --check" "^$said" bowtied --check "$LAB/gw/bowtie.yaml"
	daemon_log_mark
	expect_error "$name: config reload" "$said" cfg reload
	kill -HUP "$GW_DAEMON"
	expect "$name: SIGHUP" busywait "$WAIT" daemon_said_twice "$said"
	expect "$name: nothing else was done" not daemon_said \
		'^bowtied: (link|tunnel|address|charon: (load|unload|term|init)|BIRD: (write|conf)|configuration)'
	restore
}

# The reload and the signal
daemon_said_twice()
{
	(($(daemon_log | grep -cE -- "$1") >= 2))
}

restore()
{
	cp "$LAB/gw/good.yaml" "$LAB/gw/bowtie.yaml"
}

# broken SED-EXPRESSION
broken()
{
	sed -e "$1" "$LAB/gw/good.yaml" >"$LAB/gw/bowtie.yaml"
}

# line REGEX: where it is in bowtie.yaml
line()
{
	grep -nE "$1" "$LAB/gw/good.yaml" | head -n 1 | cut -d : -f 1
}

bad_configurations()
{
	local n

	broken "\$a x: ["
	refused "syntax" '[0-9]+:[0-9]+' ''
	n=$(line 'name: aws2')
	broken "${n}s/name/nome/"
	refused "unknown key" "$n:[0-9]+" 'nome'
	broken "${n}s/aws2/aws1/"
	refused "the same name twice" "$n:[0-9]+" 'another tunnel of the link is called aws1'
	n=$(line 'remote: 203.0.113.2')
	broken "${n}s/203.0.113.2/203.0.113.256/"
	refused "no address" "$n:13" '203.0.113.256'
	n=$(line 'hold:')
	broken "${n}s/keepalive: 10/keepalive: 20/"
	refused "makes no sense" "$n:[0-9]+" 'more than half of the hold time'
	n=$(line 'aws2.psk')
	broken "${n}s/aws2.psk/none.psk/"
	refused "missing secret" "$n:[0-9]+" 'psk_file: .*none.psk: No such file'
	chmod 640 "$LAB/gw/aws2.psk"
	refused "secret that others can read" "$n:[0-9]+" 'chmod 600'
	chmod 600 "$LAB/gw/aws2.psk"
	mv "$LAB/gw/aws2.psk" "$LAB/gw/aws2.psk.away"
	mkdir "$LAB/gw/aws2.psk"
	refused "secret that is a directory" "$n:[0-9]+" 'not a file'
	rmdir "$LAB/gw/aws2.psk"
	mv "$LAB/gw/aws2.psk.away" "$LAB/gw/aws2.psk"
	: >"$LAB/gw/bowtie.yaml"
	refused "an empty file" '[0-9]+:[0-9]+' ''
}

missing_file()
{
	mv "$LAB/gw/bowtie.yaml" "$LAB/gw/away.yaml"
	expect_error "no file: config reload" "bowtie.yaml: No such file" cfg reload
	expect_error "no file: --check" "bowtie.yaml: No such file" \
		bowtied --check "$LAB/gw/bowtie.yaml"
	mv "$LAB/gw/away.yaml" "$LAB/gw/bowtie.yaml"
}

other_ways()
{
	broken "\$a x: ["
	expect_error "config check" "bowtie.yaml:[0-9]+:[0-9]+: " \
		bowtie config check "$LAB/gw/bowtie.yaml"
	expect_error "config diff" "bowtie.yaml:[0-9]+:[0-9]+: " cfg diff "$LAB/gw/bowtie.yaml"
	bowtied --check "$LAB/gw/bowtie.yaml" >/dev/null 2>&1
	expect_eq "--check: status" $? 1
	expect_error "a start is refused, too" "bowtie.yaml:[0-9]+:[0-9]+: " \
		in_ns "$GW" timeout 10 bowtied -c "$LAB/gw/bowtie.yaml" -s "$LAB/gw/second.sock"
	restore
	expect "good: --check" bowtied --check "$LAB/gw/bowtie.yaml"
	expect_eq "good: and it says nothing" "$(bowtied --check "$LAB/gw/bowtie.yaml" 2>&1)" ""
	expect "good: config reload" cfg reload
	expect_eq "good: config diff" "$(cfg diff)" ""
}

# --- secrets

# with_secret DIR...: files that have one in them, but for those that are to have it
with_secret()
{
	# Not as an argument: that would be found in /proc
	grep -rlaF -f "$LAB/gw/aws1.psk" "$@" 2>/dev/null |
		grep -vE '^/tmp/[^/]*/(gw/aws1\.psk|cloud/swanctl\.conf)$'
}

secrets()
{
	# Another one as far as bowtied can tell: it reads it again.
	touch "$LAB/gw/aws1.psk"
	daemon_log_mark
	# All that could show one: asking, loading, failing
	{
		cfg diff
		cfg reload
		cfg diff
		in_ns "$GW" bowtie -d -s tunnel show
		in_ns "$GW" bowtie -j status
		daemon_status .module
		printf '{"method":"status"}\n' |
			in_ns "$GW" socat -t 5 - "UNIX-CONNECT:$LAB/gw/bowtied.sock"
		sed 's/aws1.psk/aws1.psk:/' "$LAB/gw/bowtie.yaml" >"$LAB/gw/bad.yaml"
		bowtied --check "$LAB/gw/bad.yaml"
	} >"$LAB/gw/shown" 2>&1
	expect "the secret has been loaded again" busywait "$WAIT" daemon_said "load secret bt_bow0_aws1"
	daemon_settled
	expect_output "the search finds a secret" swanctl.conf \
		grep -rlaF -f "$LAB/gw/aws1.psk" "$LAB/cloud"
	expect_eq "secrets: in no log, output or file but their own" "$(with_secret "$LAB")" ""
	expect_eq "secrets: nor in /run" "$(with_secret /run)" ""
	expect_eq "secrets: in no command line or environment" \
		"$(with_secret /proc/[0-9]*/cmdline /proc/[0-9]*/environ)" ""
	expect_eq "our files: what is secret or commands is for root alone" \
		"$(find "$LAB/gw" \( -name '*.psk' -o -name '*.sock' \) -perm /077)" ""
}

log_init
need_cmd socat jq swanctl birdc bird
DAEMON_DEBUG=1 lab_up
cp "$LAB/gw/bowtie.yaml" "$LAB/gw/good.yaml"
expect "the daemon has settled" daemon_settled
before=$(wire)
bgp_note
traffic_start
bad_configurations
missing_file
other_ways
secrets
expect_eq "nothing has changed on the wire" "$(wire)" "$before"
expect "no session has flapped" bgp_same
traffic_stop
traffic_whole "not one packet is lost"
((TAP_FAILED == 0)) || lab_logs
done_testing
