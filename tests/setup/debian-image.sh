#!/bin/sh
# Makes the engine have debian:bookworm-slim: pulled where a registry is reachable, else built from
# Debian's own packages the way the official image is, from the mirrors that this machine's apt uses;
# its proxy settings serve the making alone.
set -euf # patterns below are dpkg's, not the shell's
here=$(dirname "$0")
# shellcheck source=common.sh
. "$here/common.sh"

image=debian:bookworm-slim
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of an archive (Debian, Debian-Security) in this machine's own sources; nothing when none.
mirror_of() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
		sed -n "s/ $1\$//p" | head -n 1
}

sources() {
	main=$(mirror_of Debian)
	security=$(mirror_of Debian-Security)
	[ -n "$main" ] || give_up "devenv set-up: apt's sources name no Debian mirror to make $image from" \
		"add Debian's main archive to /etc/apt/sources.list"
	echo "deb [signed-by=$keyring] $main bookworm main"
	echo "deb [signed-by=$keyring] $main bookworm-updates main"
	[ -z "$security" ] || echo "deb [signed-by=$keyring] $security bookworm-security main"
}

# What the slim image leaves out, for mmdebstrap now and for dpkg inside the image later.
unwanted='/usr/share/doc/* /usr/share/info/* /usr/share/linda/* /usr/share/lintian/overrides/*
	/usr/share/locale/* /usr/share/man/*'

write_slimming() {
	for path in $unwanted; do
		echo "path-exclude $path"
	done >"$work/slim"
	echo "path-include /usr/share/doc/*/copyright" >>"$work/slim"
	printf '%s\n' 'Acquire::Languages "none";' 'Acquire::GzipIndexes "true";' \
		'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
		>"$work/apt-slim"
	mkdir -p "$work/late/usr/sbin"
	printf '#!/bin/sh\nexit 101\n' >"$work/late/usr/sbin/policy-rc.d"
	sources >"$work/sources.list"
}

# Proxy settings of this machine's apt, as options that count while the image is made only.
proxy_options() {
	apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https)::([^ ]*::)?Proxy ' || true
}

build() {
	have mmdebstrap || {
		say "installing mmdebstrap: makes the base image where no registry is reachable"
		apt_update
		apt_install mmdebstrap
	}
	say "making $image from Debian packages (no registry gave it)"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' HUP INT TERM
	chmod 755 "$work"
	write_slimming
	proxy_options >"$work/proxy"
	cp "$work/sources.list" "$work/making.list"
	set -- --quiet --variant=minbase --include=tzdata --aptopt="$work/proxy"
	for path in $unwanted; do
		set -- "$@" --dpkgopt="path-exclude=$path"
	done
	# shellcheck disable=SC2016 # mmdebstrap hands the root over as $1
	finish='cd "$1/etc" && rm -f apt/apt.conf.d/99mmdebstrap dpkg/dpkg.cfg.d/99mmdebstrap \
		apt/sources.list.d/*making.list hostname resolv.conf'
	as_root mmdebstrap "$@" --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--customize-hook="upload $work/slim /etc/dpkg/dpkg.cfg.d/slim" \
		--customize-hook="upload $work/apt-slim /etc/apt/apt.conf.d/slim" \
		--customize-hook="upload $work/sources.list /etc/apt/sources.list" \
		--customize-hook="$finish" \
		bookworm "$work/root.tar" "$work/making.list" 2>"$work/log" || {
		grep -vE "^(Get|Setting|Unpacking|Preparing|Selecting)" "$work/log" | tail -n 20 >&2
		give_up "devenv set-up: no registry gave $image, and mmdebstrap could not make it (above)"
	}
	# mmdebstrap takes a policy-rc.d away at its end: services do not start while images are built
	as_root tar -rf "$work/root.tar" --owner=0 --group=0 --mode=755 -C "$work/late" \
		./usr/sbin/policy-rc.d
	as_root chmod 644 "$work/root.tar"
	docker import -c 'CMD ["bash"]' \
		-c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
		"$work/root.tar" "$image" >/dev/null
}

pull() {
	timeout -k 5 "${PULL_TIMEOUT:-60}" docker pull -q "$image" >/dev/null 2>&1
}

docker image inspect "$image" >/dev/null 2>&1 && exit 0
say "looking for $image in a registry"
pull || build
docker image inspect "$image" >/dev/null || give_up "devenv set-up: the engine does not keep $image"
