#!/bin/sh
# git-run hook @VERSION@: judges what is about to happen; `git run hooks uninstall` removes it.
# Agents alone are judged here. Where no fence stands around any, nothing is started.
hooks=${0%/*}
if [ -d "$hooks" ] && [ ! -d "$hooks/../git-run/fences" ]; then
	# The hook that was there before, by its own name.
	before=$hooks.before-git-run/@NAME@
	[ -e "$before" ] || before=$0.before-git-run
	[ -x "$before" ] || exit 0
	exec "$before" "$@"
fi
# No program, no answer: then git refuses.
if [ -x '@PROGRAM@' ]; then
	exec '@PROGRAM@' hook @NAME@ "$@"
fi
exec git-run hook @NAME@ "$@"
