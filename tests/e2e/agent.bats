# The agent: what an `up` leaves behind to supervise host services. Guards: one agent per workspace,
# whoever starts it and how many at once; nothing survives it, however it ends, and the next command
# heals; up, down and single services as with containers; a project of the host alone needs no
# engine; others are not heard.
#
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load lib.bash

setup() {
	new_machine "$BATS_TEST_TMPDIR/machine"
}

teardown() {
	clean_machine
}

agent_dir() {
	echo "$XDG_STATE_HOME"/devenv/*/
}

# agents: pids of the agents of this project.
agents() {
	pgrep -f "^devenv -C $PROJECT .*__agent$" || true
}

# The agent itself is the first: what guards its children bears its name, too.
agent() {
	cat "$XDG_STATE_HOME"/devenv/*/agent.lock
}

# left_running MARK: processes whose command line holds it.
left_running() {
	pgrep -f "$1" || true
}

none_left() {
	[ -z "$(left_running "$1")" ] && [ -z "$(agents)" ]
}

# A service that answers with its greeting and when it was started, one that needs it, and a job.
web_project() {
	enter "$1"
	MARK=mark-$1-$$
	cat >server.py <<-'END'
		import http.server, os, sys, time
		STARTED = time.time_ns()
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        body = f"{os.environ.get('GREETING')} {STARTED}".encode()
		        self.send_response(200)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)
		    def log_message(self, *args):
		        print("asked", flush=True)
		http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
	END
	cat >devenv.yml <<-END
		name: $1
		services:
		  web:
		    run: host
		    command: [python3, server.py, $MARK, "\${service.web.port}"]
		    ports: { http: { target: 8000, published: auto } }
		    environment: { GREETING: hello }
		    healthcheck: { http: /, port: http }
		  migrate:
		    run: host
		    kind: job
		    command: "sleep 0.5; date +%s >>migrated"
		  worker:
		    run: host
		    command: [sh, -c, "echo at work; while :; do sleep 0.2; done", $MARK]
		    depends_on:
		      web: { condition: service_healthy }
		      migrate: { condition: service_completed_successfully }
	END
}

get() {
	curl -sf --max-time 5 "$(address web 8000)"
}

no_engine() {
	export DOCKER_HOST=unix:///nonexistent/docker.sock
}

@test "a project of the host alone needs no engine" {
	no_engine
	web_project alone
	ok devenv up -d --trust
	says web worker migrate "done" ready "http://127.0.0.1:"
	[[ $(get) == hello* ]]
	ok devenv status
	says web ready "done"
	[ "$(agents | wc -l)" -ge 1 ]
	[ "$(stat -c %a "$(agent_dir)agent.sock")" = 600 ]
	before=$(get)
	ok devenv up -d
	[ "$(get)" = "$before" ]
	[ "$(wc -l <migrated)" = 1 ]
	ok devenv wait
	ok devenv down
	eventually 10 none_left "$MARK"
	[ ! -e "$(agent_dir)agent.sock" ]
	exits 1 devenv wait
	ok devenv down
}

@test "from a subdirectory it is the same project" {
	no_engine
	web_project below
	mkdir -p deep/er
	cd deep/er
	ok devenv up -d --trust
	ok devenv status
	says web ready
	[ ! -e .devenv ]
	cd /
	ok devenv -C "$PROJECT/deep" stop
	eventually 10 none_left "$MARK"
}

@test "without an engine a container service is an error that offers --host where that helps" {
	no_engine
	project offers <<-'END'
		services:
		  api: { image: x, command: "true", host: { command: "sleep 1000" } }
		  db: { image: y }
	END
	exits 4 devenv up -d --trust
	says "devenv up --host"
	ok devenv up -d --trust --host
	says api ready
	ok devenv status --json
	[ "$(jq -r '.services[] | select(.service == "api").state' <<<"$output")" = ready ]
	# Later commands find out by themselves.
	ok devenv restart api
	ok devenv up -d
	ok devenv down
	project plain <<-'END'
		services:
		  db: { image: y }
	END
	exits 4 devenv up -d
	says_not "--host"
}

@test "two cold ups at once make one agent" {
	no_engine
	web_project cold
	ok devenv up -d --trust
	ok devenv down
	for round in 1 2 3; do
		devenv up -d >"one.$round" 2>&1 &
		one=$!
		devenv up -d >"two.$round" 2>&1 &
		two=$!
		wait "$one" || fail "$(cat "one.$round")"
		wait "$two" || fail "$(cat "two.$round")"
		[ "$(pgrep -cf "server.py $MARK")" = 1 ]
		kill -0 "$(agent)"
		[ "$(grep -c listens "$(agent_dir)agent.log")" = "$((round + 1))" ]
		ok devenv down
		eventually 10 none_left "$MARK"
	done
}

@test "up and down at once take turns and end in one of two states" {
	no_engine
	web_project turns
	ok devenv up -d --trust
	for round in 1 2 3 4; do
		devenv up -d >up.out 2>&1 &
		one=$!
		devenv down >down.out 2>&1 &
		two=$!
		wait "$two" || fail "$(cat down.out)"
		wait "$one" || fail "$(cat up.out)"
		count=$(pgrep -cf "server.py $MARK" || true)
		running=$(devenv status --json | jq '[.services[] | select(.state == "ready")] | length')
		case $count:$running in
		0:0 | 1:2) ;;
		*) fail "$count processes, $running ready: $(cat up.out down.out)" ;;
		esac
	done
	ok devenv down
	eventually 10 none_left "$MARK"
}

@test "a killed agent leaves nothing, and the next command heals" {
	no_engine
	web_project killed
	ok devenv up -d --trust
	first=$(get)
	kill -KILL "$(agent)"
	eventually 10 none_left "server.py $MARK"
	ok devenv status
	says absent
	says_not ready
	ok devenv up -d
	says ready
	[ "$(get)" != "$first" ]
	kill -KILL "$(agent)"
	ok devenv down
	eventually 10 none_left "$MARK"
}

@test "a foreground that is killed leaves nothing on the host" {
	no_engine
	web_project foreground
	ok devenv up -d --trust
	ok devenv down
	"$DEVENV" up >out 2>&1 </dev/null &
	running=$!
	eventually 30 get
	kill -KILL "$running"
	eventually 15 none_left "$MARK"
	ok devenv status
	says absent
}

@test "an interrupted foreground stops in order and ends the agent" {
	no_engine
	web_project interrupted
	ok devenv up -d --trust
	ok devenv down
	"$DEVENV" up >out 2>&1 </dev/null &
	running=$!
	eventually 30 get
	eventually 10 grep -q Following out
	kill -INT "$running" 2>/dev/null || true
	kill -TERM "$running"
	status=0
	wait "$running" || status=$?
	[ "$status" = 143 ] || [ "$status" = 130 ] || fail "status $status: $(cat out)"
	eventually 10 none_left "$MARK"
	grep -q "stop worker" out
}

@test "a foreground in a background process group does not freeze" {
	no_engine
	web_project timeout
	ok devenv up -d --trust
	ok devenv down
	run timeout -k 20 -s INT 5 "$DEVENV" up </dev/null
	[ "$status" = 124 ] || [ "$status" = 130 ] || fail "status $status"
	eventually 10 none_left "$MARK"
}

@test "a second up joins; the first terminal's end leaves what was detached" {
	no_engine
	web_project joins
	ok devenv up -d --trust
	pid=$(agent)
	first=$(get)
	ok devenv up -d worker
	[ "$(agent)" = "$pid" ]
	[ "$(get)" = "$first" ]
	ok devenv down
}

@test "single services are stopped, started and restarted" {
	no_engine
	web_project single
	ok devenv up -d --trust
	first=$(get)
	ok devenv restart web
	second=$(get)
	[ "$first" != "$second" ]
	ok devenv stop worker
	[ "$(state worker)" = exited ]
	[ "$(state web)" = ready ]
	[ "$(get)" = "$second" ]
	exits 1 devenv wait worker # says so instead of hanging
	ok devenv up -d
	[ "$(state worker)" = ready ]
	[ "$(get)" = "$second" ]
	ok devenv recreate web
	[ "$(get)" != "$second" ]
	ok devenv ports
	says web 8000/tcp
	ok devenv down
}

@test "exec, run and logs" {
	no_engine
	web_project inside
	ok devenv up -d --trust
	run devenv exec web -- sh -c "echo \$GREETING; pwd; exit 7"
	[ "$status" = 7 ]
	says hello "$PROJECT"
	run devenv exec -e GREETING=bye web -- sh -c "echo \$GREETING"
	says bye
	run devenv run web -- sh -c "echo \$GREETING-; exit 3"
	[ "$status" = 3 ]
	says hello-
	exits 2 devenv exec -u somebody web -- true
	ok devenv logs worker
	says "at work"
	timeout 60 "$DEVENV" logs -n 0 -f web >followed 2>&1 &
	follower=$!
	eventually 20 sh -c "curl -s $(address web 8000) >/dev/null; grep -q asked followed"
	kill "$follower"
	ok devenv down
	exits 1 devenv exec web -- true
	says "not running"
	run devenv run web -- sh -c "echo \$GREETING"
	says hello
}

@test "a crashed service is said to have ended" {
	no_engine
	project crashed <<-'END'
		services:
		  once: { run: host, command: "sleep 0.4; echo broken pipe >&2; exit 3" }
		  start: { run: host, command: "echo cannot >&2; exit 4", profiles: [bad] }
		  missing: { run: host, command: [no-such-program], profiles: [missing] }
	END
	ok devenv up -d --trust
	is_down() { [ "$(state once)" = exited ]; }
	eventually 10 is_down
	ok devenv status
	says "exit status 3"
	exits 1 devenv up -d start --profile bad
	says "start ended with status 4" cannot "devenv.yml:3"
	exits 1 devenv up -d missing --profile missing
	says "no-such-program" "devenv.yml:4"
	ok devenv down
}

@test "changes of the configuration reach what runs; what is removed ends" {
	no_engine
	web_project changes
	ok devenv up -d --trust
	sed -i 's/GREETING: hello/GREETING: changed/' devenv.yml
	ok devenv up -d --trust
	[[ $(get) == changed* ]]
	worker=$(pgrep -f "$MARK" | wc -l)
	[ "$worker" -ge 2 ]
	sed -i '/^  worker:/,$d' devenv.yml
	ok devenv up -d --trust
	gone() { ! pgrep -f "sh -c echo at work.*$MARK" >/dev/null; }
	says web
	ok devenv down
	eventually 10 gone
	eventually 10 none_left "$MARK"
}

@test "a configuration that cannot be read does not keep it up" {
	no_engine
	web_project broken
	ok devenv up -d --trust
	echo "services: [" >devenv.yml
	run devenv down
	eventually 10 none_left "$MARK"
}

@test "the agent ends by signals, and when its socket is taken away" {
	no_engine
	web_project signals
	for signal in TERM HUP INT; do
		ok devenv up -d --trust
		kill "-$signal" "$(agent)"
		eventually 15 none_left "$MARK"
		[ ! -e "$(agent_dir)agent.sock" ]
	done
	ok devenv up -d
	rm "$(agent_dir)agent.sock"
	eventually 60 none_left "$MARK"
}

@test "an agent that does not answer is named, with the way to end it" {
	no_engine
	web_project stuck
	ok devenv up -d --trust
	pid=$(agent)
	kill -STOP "$pid"
	run devenv status
	kill -CONT "$pid"
	[ "$status" = 1 ]
	says "does not answer" "kill -KILL $pid"
	ok devenv status
	says ready
	ok devenv down
}

@test "another user is not heard" {
	no_engine
	[ "$(id -u)" = 0 ] || skip "only root can be somebody else"
	web_project stranger
	ok devenv up -d --trust
	socket=$(agent_dir)agent.sock
	dir=$socket
	while [ "$dir" != / ]; do # as if the modes had been opened
		dir=$(dirname "$dir")
		[[ $dir != "$BATS_RUN_TMPDIR"* ]] || chmod o+x "$dir"
	done
	ask='import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"{\"do\":\"end\"}\n")
print(s.recv(1000).decode())'
	run setpriv --reuid 65534 --regid 65534 --clear-groups python3 -c "$ask" "$socket"
	[ "$status" != 0 ]
	chmod 666 "$socket"
	run setpriv --reuid 65534 --regid 65534 --clear-groups python3 -c "$ask" "$socket"
	says "another user"
	[ "$(state web)" = ready ]
	ok devenv down
}

@test "garbage and a thousand connections do it no harm" {
	no_engine
	web_project garbage
	ok devenv up -d --trust
	run python3 - "$(agent_dir)agent.sock" <<-'END'
		import os, socket, sys
		def dial():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    s.settimeout(20)
		    return s
		for junk in (b"\0" * 1000 + b"\n", os.urandom(100000) + b"\n", b"[" * 50000 + b"\n", b"{\"do\":"):
		    s = dial()
		    s.sendall(junk)
		    if junk.endswith(b"\n"):
		        assert b'"ok": false' in s.recv(100000)
		    s.close()
		many = [dial() for _ in range(1000)]
		for s in many:
		    s.close()
		print("done")
	END
	says "done"
	[[ $(get) == hello* ]]
	ok devenv status
	says ready
	ok devenv down
}

@test "secrets reach the process and nothing else" {
	no_engine
	project secrets <<-'END'
		secrets: { token: { generate: hex, length: 32 } }
		services:
		  api:
		    run: host
		    command: 'echo "$${#TOKEN}" >length; exec sleep 1000'
		    environment: { TOKEN: "${secret.token}" }
	END
	ok devenv up -d --trust
	token=$(devenv secrets get token)
	[ -n "$token" ]
	[ "$(cat length)" = "${#token}" ]
	run grep -r "$token" "$(agent_dir)agent.log" .devenv
	[ "$status" = 1 ]
	run sh -c "ps axww -o args | grep -F '$token' | grep -v grep"
	[ -z "$output" ]
	ok devenv down
}
