#!/usr/bin/env bats
# Twelve stacks that are broken each in its own way, and sound ones: `trace` names the stage and the
# cause, and the line of the configuration that asked for it. One project holds them all; its
# services are one Python program in the image of the mail template.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

program() {
	cat <<-'END'
		import http.server, os, socket, ssl, time

		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"

		    def answer(self, status, text="", **headers):
		        body = text.encode()
		        self.send_response(status)
		        for name, value in headers.items():
		            self.send_header(name, value)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)

		    def do_GET(self):
		        if self.path == "/loop":
		            self.answer(302, Location="/loop")
		        elif self.path == "/slow":
		            time.sleep(20)
		            self.answer(200)
		        elif self.path == "/named" and not self.headers["Host"].startswith("localhost"):
		            self.answer(400, "who is that?\n")
		        elif self.path == "/only":
		            self.answer(200, "here\n")
		        elif self.path.startswith("/inside"):
		            self.answer(404, "not here\n")
		        elif self.path == "/db":
		            try:
		                socket.create_connection(("db", 8000), 2).close()
		                self.answer(200, "fine\n")
		            except OSError as error:
		                self.answer(503, f"no database: {error}\n")
		        else:
		            self.answer(200, "hello\n")

		    def do_POST(self):
		        self.rfile.read(int(self.headers["Content-Length"]))
		        self.answer(200, "taken\n")

		    def log_message(self, text, *words):
		        print(self.headers and self.headers["X-Request-Id"], text % words, flush=True)

		where = os.environ.get("BIND", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
		server = http.server.ThreadingHTTPServer(where, Handler)
		if os.environ.get("TLS"):
		    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		    context.load_cert_chain("/srv/app/tls.pem")
		    server.socket = context.wrap_socket(server.socket, server_side=True)
		server.serve_forever()
	END
}

# A proxy as people write them: the name is looked up once, and bodies are small.
own_nginx() {
	cat <<-'END'
		pid /tmp/nginx.pid;
		events {}
		http {
			access_log /dev/stdout;
			error_log stderr warn;
			client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c;
			uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
			client_max_body_size 1k;
			server {
				listen 80;
				listen 443 ssl;
				ssl_certificate /etc/devenv/certs/devenv.crt;
				ssl_certificate_key /etc/devenv/certs/devenv.key;
				location / {
					proxy_pass http://moved:8000;
					proxy_connect_timeout 2s;
					proxy_set_header Host $http_host;
				}
			}
		}
	END
}

# One of the program's; further lines come as arguments.
service() {
	printf '  %s:\n' "$1"
	printf '    %s\n' 'extends: { template: mail }' 'command: python3 /srv/app/app.py' \
		'volumes: [".:/srv/app:ro"]' 'stop_grace_period: 1s' "${@:2}"
}

configuration() {
	local http='ports: { http: { target: 8000 } }' ready='healthcheck: { tcp: true, port: http }'
	local none='healthcheck: !reset null'
	cat <<-'END'
		name: e2e-trace
		up: { watch: false }
		services:
		  edge: { extends: { template: nginx } }
		  old:
		    extends: { template: nginx }
		    volumes: ["./own.conf:/etc/nginx/nginx.conf:ro"]
		    depends_on: { moved: { condition: service_healthy, on_restart: ignore } }
	END
	service app "$http" "$ready"
	service low "$http" "$none" 'environment: { BIND: 127.0.0.1 }'
	service ported 'ports: { http: { target: 8001 } }' "$none"
	service gone "$http" "$ready"
	service moved "$http" "$ready"
	service tls "$http" "$ready" 'environment: { TLS: "1" }'
	service db "$http" "$ready"
	service needy "$http" "$ready" 'depends_on: { db: { condition: service_healthy } }'
	cat <<-'END'
		  here:
		    run: host
		    command: python3 app.py
		    environment: { BIND: 127.0.0.1 }
		    ports: { http: { target: 8000, published: auto } }
		    healthcheck: { tcp: true, port: http }
		routes:
		  - { host: t.localhost, path: /here, to: here:http, via: edge, strip: true }
		  - { host: t.localhost, path: /, to: app:http, via: edge }
		  - { host: t.localhost, path: /low, to: low:http, via: edge, strip: true }
		  - { host: t.localhost, path: /ported, to: ported:http, via: edge, strip: true }
		  - { host: t.localhost, path: /gone, to: gone:http, via: edge, strip: true }
		  - { host: t.localhost, path: /tls, to: tls:http, via: edge, strip: true }
		  - { host: t.localhost, path: /needy, to: needy:http, via: edge, strip: true }
		  - { host: t.localhost, path: /inside, to: app:http, via: edge }
		  - { host: old.localhost, path: /, to: moved:http, via: old }
	END
}

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project trace < <(configuration)
	program >app.py
	own_nginx >own.conf
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-subj /CN=tls -keyout key.pem -out crt.pem 2>/dev/null
	cat key.pem crt.pem >tls.pem
	chmod 644 tls.pem
	LIMIT=500 devenv up -d --trust
}

teardown_file() {
	clean_machine
}

setup() {
	enter trace
}

# trace ARG...: as JSON; the result is looked at with `found`.
trace() {
	run --separate-stderr devenv trace --json "$@"
	jq -e .version <<<"$output" >/dev/null || fail "no JSON of trace $*"
}

# found STAGE CAUSE [TEXT]: who is to blame, and a text in the line that asked for it.
found() {
	[ "$status" = 1 ] || fail "status $status"
	[ "$(jq -r '"\(.stage) \(.cause)"' <<<"$output")" = "$1 $2" ] || fail "not $1 $2"
	[ -z "${3:-}" ] || sed -n "$(jq .place.line <<<"$output")p" devenv.yml | grep -F -- "$3" ||
		fail "not the line with $3"
}

# old_url: of the second proxy.
old_url() {
	url old https://old
}

# leaf SUBJECT DAYS: the proxy shows another certificate, signed by the local authority.
leaf() {
	local site=.devenv/generated/certs/site ca=$XDG_DATA_HOME/devenv/ca
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
		-keyout other.key -out other.csr 2>/dev/null
	openssl x509 -req -in other.csr -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -days "$2" \
		-extfile <(echo "subjectAltName=DNS:$1") -out other.crt 2>/dev/null
	cp -p "$site"/devenv.crt "$site"/devenv.key "$BATS_TEST_TMPDIR"
	install_leaf other.crt other.key
}

leaf_back() {
	install_leaf "$BATS_TEST_TMPDIR/devenv.crt" "$BATS_TEST_TMPDIR/devenv.key"
}

install_leaf() {
	cat "$1" >.devenv/generated/certs/site/devenv.crt
	cat "$2" >.devenv/generated/certs/site/devenv.key
	docker kill -s HUP "$(container edge)"
	eventually 20 shows "$1"
}

# shows FILE: the proxy presents that certificate.
shows() {
	local served
	served=$(openssl s_client -connect "$(address edge 443)" -servername t.localhost </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint 2>/dev/null)
	[ "$served" = "$(openssl x509 -noout -fingerprint -in "$1")" ]
}

@test "a sound route: every stage is good, under one id" {
	trace /x?y=1
	[ "$status" = 0 ] || fail
	jq -e '.cause == "none" and .stages[0].stage == "name"' <<<"$output"
	jq -e '[.stages[:7][].state] | unique == ["good"]' <<<"$output" || fail
	jq -e '[.stages[] | select(.stage == "proxy" or .stage == "service").status] == [200, 200]' <<<"$output"
	jq -e '.stages[] | select(.stage == "upstream").says | endswith(":8000")' <<<"$output"
	jq -e '.id as $id | [.log[] | select(.line | contains($id)).service] | unique == ["app", "edge"]' \
		<<<"$output" || fail "logs"
	trace -H 'X-Request-Id: mine.1' -H 'Cookie: a=secret' --from service /x
	[ "$status" = 0 ] || fail
	jq -e '.id == "mine.1" and .stages[3].status == null and .stages[6].status == 200' <<<"$output"
}

@test "a trace jumps in at any stage" {
	local stage
	for stage in tcp tls proxy upstream connect service needs; do
		trace --from "$stage" /needy/db
		[ "$status" = 0 ] || fail "$stage"
		[ "$(jq -r .from <<<"$output")" = "$stage" ] || fail
	done
	trace --from upstream /x
	jq -e '.stages[] | select(.stage == "upstream").says | test("^[0-9.]+:8000, asked for now$")' \
		<<<"$output" || fail
	trace --from needs /needy/db
	jq -e '.stages[7].says == "db running" and .stages[6].status == null' <<<"$output" || fail
}

@test "as text, as an archive, and what is no request" {
	ok devenv trace --har x.har -H 'Cookie: a=hidden' -d 'a=1' /x
	says 'POST https://t.localhost:' 'POST was sent twice' 'no stage is to blame' 'edge location /'
	jq -e '.log.version == "1.2" and (.log.entries | length) == 2' x.har
	jq -e '.log.entries[0].response.content.text == "taken\n"' x.har
	run grep -c hidden x.har
	[ "$output" = 0 ] || fail "a credential is in the archive"
	exits 2 devenv trace
	exits 2 devenv trace x
	exits 2 devenv trace -H broken /x
	exits 2 devenv trace https://elsewhere.example/
}

said() {
	[ "$(grep -c "status $2 -- Enter: again" said)" = "$1" ]
}

@test "again on each Enter, from the configuration as it is then; a broken one ends nothing" {
	cp devenv.yml again.yml
	mkfifo keys
	devenv -f again.yml trace --watch /x <keys >said 2>&1 3>&- &
	local pid=$!
	exec 4>keys
	eventually 30 said 1 0
	echo 'broken: [' >>again.yml
	echo >&4
	eventually 30 said 1 3
	cp devenv.yml again.yml
	echo >&4
	eventually 30 said 2 0
	echo q >&4
	wait "$pid"
	exec 4>&-
	[ "$(grep -c 'no stage is to blame' said)" = 2 ] || fail "$(cat said)"
}

@test "a wrong port in a route" {
	trace /ported/x
	found connect wrong-port 'path: /ported'
	jq -e '.text | contains("8001, but on 8000")' <<<"$output" || fail
}

@test "a service bound to 127.0.0.1" {
	trace /low/x
	found connect loopback-only command
}

@test "a service that was stopped" {
	docker stop -t 1 "$(container gone)"
	trace /gone/x
	found upstream service-down gone:
	jq -e '.text | contains("stopped")' <<<"$output" || fail
}

@test "a stale upstream" {
	trace "$(old_url)"
	[ "$status" = 0 ] || fail "before"
	local net id
	net=$(docker inspect -f '{{range $n, $x := .NetworkSettings.Networks}}{{$n}}{{end}}' "$(container moved)")
	docker stop -t 1 "$(container moved)"
	id=$(docker run -d --network "$net" --label "com.docker.compose.project=$(workspace)" \
		debian:bookworm-slim sleep 600)
	docker start "$(container moved)"
	eventually 20 [ "$(docker inspect -f '{{.State.Running}}' "$(container moved)")" = true ]
	trace "$(old_url)"
	docker rm -f "$id"
	found upstream stale-upstream old:
}

@test "an expired leaf" {
	leaf t.localhost -1
	trace /x
	leaf_back
	found tls certificate-expired 'host: t.localhost'
	jq -e '.stages[] | select(.stage == "service").status == 200' <<<"$output" || fail "it goes on"
}

@test "a name that is not in the certificate" {
	leaf other.localhost 30
	trace /x
	leaf_back
	found tls certificate-name 'host: t.localhost'
	jq -e '.text | contains("for other.localhost, not for t.localhost")' <<<"$output" || fail
}

@test "a body that the proxy refuses" {
	head -c 5000 /dev/zero >big
	trace -d @big "$(old_url)"
	found proxy body-limit old:
}

@test "a redirect that leads back to itself" {
	trace /loop
	found service redirect-loop app:
}

@test "a service that is slow" {
	trace --timeout 1 /slow
	found service timeout app:
}

@test "a service that refuses the host's name" {
	trace /named
	found service wrong-host command
}

@test "a service that speaks TLS where the route does not" {
	trace /tls/x
	found service upstream-tls 'path: /tls'
}

@test "a database that is down" {
	trace /needy/db
	[ "$status" = 0 ] || fail "before"
	docker stop -t 1 "$(container db)"
	trace /needy/db
	found needs dependency-down db:
}

@test "a path that the service knows without its prefix" {
	trace /inside
	[ "$(jq -r .cause <<<"$output")" = wrong-mapping ] || fail
}

@test "a service on the host behind the proxy, and the same when it is stopped" {
	trace /here/x
	[ "$status" = 0 ] || fail
	jq -e '.stages[] | select(.stage == "connect").where | startswith("127.0.0.1:")' <<<"$output"
	jq -e '.id as $id | [.log[] | select(.line | contains($id)).service] | unique == ["edge", "here"]' \
		<<<"$output" || fail "logs"
	ok devenv stop here
	trace /here/x
	found upstream service-down here:
}

@test "all routes as a table" {
	run devenv trace --all --timeout 2
	[ "$status" = 1 ] || fail
	says https://t.localhost https://old.localhost connect '127.0.0.1:8000 only'
	run devenv trace --all --timeout 2 --json
	jq -e '(.traces | length) == 9' <<<"$output" || fail
}
