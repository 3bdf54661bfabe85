#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh PAGE.scd BIN SCDOC OUT.gz: a manual page. A line "@help PROGRAM WORDS@" of PAGE becomes what
# `PROGRAM WORDS --help` says; "@commands@" becomes a section for each command of iomodes.
set -eu
page=$1 bin=$2 scdoc=$3 out=$4

# Literal, as it is laid out already.
help() {
	program=$1
	shift
	echo '```'
	"$bin/$program" "$@" --help
	echo '```'
}
commands() {
	"$bin/iomodes" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | while read -r word; do
		printf '\n## iomodes %s\n\n' "$word"
		help iomodes "$word"
	done
}
while IFS= read -r line; do
	case $line in
	@commands@) commands ;;
	"@help "*@)
		words=${line#@help }
		# shellcheck disable=SC2086
		help ${words%@}
		;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page" >"$out.scd"
# The same sources, the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600} "$scdoc" <"$out.scd" | gzip -9n >"$out"
rm "$out.scd"
