#!/bin/sh
# git-run hook @VERSION@: judges what is about to happen; `git run hooks uninstall` removes it.
# No program, no answer: then git refuses, and nothing leaves.
if [ -x '@PROGRAM@' ]; then
	exec '@PROGRAM@' hook @NAME@ "$@"
fi
exec git-run hook @NAME@ "$@"
