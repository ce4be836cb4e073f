#!/bin/sh
# rustdoc, as cargo calls it, but with the pages of each crate in a folder of its own: in a common one, each crate's run
# reads and writes anew the index of all of them, which takes several times as long as the crate does.
set -eu
before= name= out=
for word do
    shift
    case $before in
    --crate-name) name=$word ;;
    -o) out=$word/$name word=$out ;;
    esac
    set -- "$@" "$word"
    before=$word
done
"${FAIRWAY_RUSTDOC:-rustdoc}" "$@"
# Where cargo looks for what it made.
[ -z "$out" ] || echo "<meta http-equiv=refresh content='0; url=$name/index.html'>" >"$out/index.html"
