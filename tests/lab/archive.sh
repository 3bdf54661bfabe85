# SPDX-License-Identifier: Apache-2.0
# Sourced. Packages of this machine's own Debian archive, from releases its sources do not name,
# without touching those sources: apt runs with lists, sources and cache of its own, and packages
# are unpacked into the lab's cache, never installed.

LAB_APT=$LAB_CACHE/apt

# The archive that this machine uses, as apt understood its sources (whatever their format).
archive_uri() {
	if [ -n "${IOMODES_LAB_ARCHIVE:-}" ]; then
		echo "$IOMODES_LAB_ARCHIVE"
		return
	fi
	# What the lists say of themselves; without lists ("apt-get update" never ran), what the address looks like.
	# shellcheck disable=SC2016 # apt's placeholders
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY) o=$(ORIGIN) l=$(LABEL)' | archive_pick
}

# archive_pick: the first of these index targets that is Debian's main, and not its security updates
archive_pick() {
	awk '$4 != "Packages" || $3 != "main" || $2 ~ /security/ { next }
		$5 == "o=Debian" && $6 == "l=Debian" { print $1; found = 1; exit }
		$5 !~ /^o=[A-Za-z]/ && $1 ~ /debian\/$/ && guess == "" { guess = $1 }
		END { if (!found && guess != "") print guess }'
}

archive_apt() {
	local tool=$1
	shift
	"$tool" -o Dir::State="$LAB_APT/state" -o Dir::State::status="$LAB_APT/status" \
		-o Dir::Cache="$LAB_APT/cache" -o Dir::Etc::sourcelist="$LAB_APT/lab.sources" \
		-o Dir::Etc::sourceparts="$LAB_APT/none" -o Dir::Etc::preferences="$LAB_APT/no-preferences" \
		-o Dir::Etc::preferencesparts="$LAB_APT/none" -o APT::Sandbox::User=root \
		-o Debug::NoLocking=true -o Acquire::Languages=none "$@"
}

# archive_open: lists of the releases that have a kernel or a QEMU for the lab; at most once a day
archive_open() {
	local uri suite host keys=/usr/share/keyrings/debian-archive-keyring.gpg
	lab_need apt-get apt
	lab_need dpkg-deb dpkg
	[ "$(dpkg --print-architecture)" = amd64 ] || lab_skip "the guest is x86-64 and runs this machine's programs"
	uri=$(archive_uri)
	[ -n "$uri" ] || lab_skip "apt's sources name no Debian archive, whose kernels the guest boots; set IOMODES_LAB_ARCHIVE to the URI of a mirror of Debian"
	# shellcheck source=/dev/null
	host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mkdir -p "$LAB_APT"/{none,state/lists/partial,cache/archives/partial}
	cp /var/lib/dpkg/status "$LAB_APT/status"
	for suite in $(printf '%s\n' bookworm bookworm-backports trixie trixie-backports \
			"$host" "$host-backports" | sort -u); do
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64\n' \
			"$uri" "$suite"
		[ ! -e $keys ] || printf 'Signed-By: %s\n' $keys
		echo
	done > "$LAB_APT/lab.sources.new"
	if cmp -s "$LAB_APT/lab.sources.new" "$LAB_APT/lab.sources" &&
			archive_fresh "$LAB_APT/status"; then
		return
	fi
	mv "$LAB_APT/lab.sources.new" "$LAB_APT/lab.sources"
	[ ! -t 2 ] || lab_say "reading the package lists of $uri"
	# a release that this archive does not carry is an error to apt and a fact to us
	archive_apt apt-get -q update >"$LAB_APT/update.log" 2>&1 || true
	# what could be read is good for a day; with nothing read the next boot tries again
	! grep -q '^\(Hit\|Get\):' "$LAB_APT/update.log" || touch "$LAB_APT/updated"
}

# archive_trouble: what of the lists could not be read, for a message about something that is not in them
archive_trouble() {
	sed -n '/^[EW]:/{s/^\(.*\)/ (\1)/p;q}' "$LAB_APT/update.log" 2>/dev/null || true
}

# archive_fresh FILE: is FILE an answer made from lists that are still good?
archive_fresh() {
	[ -n "$(find "$LAB_APT/updated" -mmin -1440 2>/dev/null)" ] && [ "$1" -nt "$LAB_APT/updated" ]
}

# archive_versions PACKAGE [SUITE]: every version to be had, highest first
archive_versions() {
	archive_apt apt-cache madison "$1" | awk -F' *[|] *' -v suite="${2:-}" \
		'{ split($3, at, " "); sub("/.*", "", at[2]); if (suite == "" || at[2] == suite) print $2 }'
}

# archive_unpack DIR PACKAGE=VERSION...: download, unpack below DIR
archive_unpack() {
	local dir=$1 debs=$LAB_APT/debs.$$
	shift
	mkdir -p "$debs" "$dir"
	if ! (cd "$debs" && archive_apt apt-get -qq download "$@") 2>"$LAB_APT/download.log"; then
		rm -rf "$debs"
		lab_say "download failed: $(grep -m1 '^E:' "$LAB_APT/download.log")"
		return 1
	fi
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir" || { rm -rf "$debs"; return 1; }
	done
	rm -rf "$debs"
}
