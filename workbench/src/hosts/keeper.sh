# Runs on a host for as long as a test does, in any POSIX shell. Its folder has the program and what nodes
# write; `.bench` in it has, for the incarnation K of a node, K.pid (its process group, until that is
# killed: the number may soon be that of another), K.dead and K.killed (before and after that) and
# K.stopped. However the connection ends, the nodes are killed and the folder is removed: at the end of
# stdin, or if no ping came for 10 to 20 s.
#
# The lines become one, as an argument: no quote, backslash or exclamation mark, which shells understand
# differently. It says `true >FILE` since a redirection of `:` that fails ends a shell.
cd "${TMPDIR:-/tmp}" 2>/dev/null || cd /tmp || exit 1;
umask 077;
for a in mktemp rm sleep uname; do
  command -v "$a" >/dev/null 2>&1 || { echo "there is no program $a" >&2; exit 1; };
done;
d=$(mktemp -d "$PWD/workbench.XXXXXX" 2>/dev/null) && cd "$d" && mkdir .bench || {
  echo "cannot create a folder in $PWD: set TMPDIR there to one that can be written" >&2;
  exit 1;
};

send() {
  p=;
  [ -s ".bench/$2.pid" ] && read -r p <".bench/$2.pid";
  [ -z "$p" ] || kill "-$1" "-$p" 2>/dev/null;
};
has() {
  case $1 in
    */*) [ -f "$1" ] && [ -x "$1" ];;
    *) command -v "$1" >/dev/null 2>&1;;
  esac;
};
clean() {
  true >.bench/end;
  for f in .bench/*.pid; do f=${f##*/}; send KILL "${f%.pid}"; done;
  cd /;
  rm -rf "$d" 2>/dev/null || { chmod -R u+rwx "$d"; sleep 1; rm -rf "$d"; };
};
finish() {
  clean;
  trap "" TERM;
  kill -TERM "-$$" 2>/dev/null;
  exit 0;
};
true >.bench/beat;
(
  while sleep 10; do
    { [ -e .bench/beat ] && rm -f .bench/beat; } || { clean; kill -KILL "-$$"; exit; };
  done
) </dev/null >/dev/null 2>&1 &
trap finish HUP INT TERM;
trap "" PIPE;

echo "ready $d $(uname -s) $(uname -m)";
while read -r verb a; do
  case $verb in
    ping) true >.bench/beat; echo "pong $a";;
    kill) true >".bench/$a.dead"; send KILL "$a"; rm -f ".bench/$a.pid"; true >".bench/$a.killed";;
    stop) true >".bench/$a.stopped"; send STOP "$a";;
    cont) rm -f ".bench/$a.stopped"; send CONT "$a";;
    has) if has "$a"; then echo yes; else echo no; fi;;
    started) i=0; until [ -s ".bench/$a.pid" ] || [ $i = 300 ]; do i=$((i + 1)); sleep 0.01; done; echo started;;
    leave) trap - HUP INT TERM; clean() { :; };;
  esac;
done;
finish
