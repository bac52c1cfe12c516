# Starts a node on a host: FOLDER, its incarnation, the incarnation that must have been killed before or
# `-`, then the program and its arguments. The keeper may have killed or stopped this incarnation before it
# has a process. This shell and what it starts are a process group, and it says which signal ended the node.
cd "$1" && echo $$ >".bench/$2.pid" || exit 1;
k=.bench/$2; p=.bench/$3; shift 3;
[ "$p" = .bench/- ] || until [ -e "$p.killed" ] || [ -e .bench/end ]; do sleep 0.01; done;
if [ -e .bench/end ] || [ -e "$k.dead" ]; then exit 137; fi;
while [ -e "$k.stopped" ]; do sleep 0.01; done;
"$@";
exit $?
