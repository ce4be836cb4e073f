#!/bin/busybox sh
# The guest's first program: makes the machine's files visible (read-only below, memory
# above), runs one command in there and says how it ended.
#
# ttyS0 is the kernel's console and this script's complaints; ttyS1 is the command's
# output, in which lines that begin with $token are this script's own.
# /config sets: token, modules (the folder for /lib/modules), load (modules to load).
b=/bin/busybox
root=/root
. /config

die() {
    $b echo "guest init: $*" >/dev/ttyS0
    $b poweroff -f
}

$b mount -t devtmpfs dev /dev && $b mount -t proc proc /proc || die "no /dev or /proc"
while read -r module; do
    $b insmod "/lib/$module" || die "module $module does not load"
done </lib/order

$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=524288,cache=loose host /host ||
    die "no view of the machine's files"
$b mount -t tmpfs tmpfs /upper && $b mkdir /upper/files /upper/work &&
    $b mount -t overlay -o lowerdir=/host,upperdir=/upper/files,workdir=/upper/work overlay $root ||
    die "no overlay on the machine's files"

$b mkdir -p $root/usr/lib/modules $root/dev $root/proc $root/sys $root/run
$b mount -t devtmpfs dev $root/dev
$b mkdir -p $root/dev/pts $root/dev/shm
$b mount -t devpts devpts $root/dev/pts
$b mount -t proc proc $root/proc
$b mount -t sysfs sys $root/sys
$b mount -t cgroup2 none $root/sys/fs/cgroup
$b mount -t bpf bpf $root/sys/fs/bpf
$b mount -t tmpfs run $root/run
$b mkdir $root/run/tmp
$b mount --bind "$root$modules" $root/usr/lib/modules || die "no modules at $modules"
# Who enters a mount namespace from outside arrives at its root: the machine's files lie on that, too.
$b mount --rbind $root / && cd -P /.. || die "no root"
$b ip link set lo up
$b stty -F /dev/ttyS1 raw

for module in $load; do
    $b chroot $root modprobe "$module" || die "modprobe $module failed"
done
$b cp /command $root/run/command
$b echo "$token boot" >/dev/ttyS1
$b chroot . /bin/sh /run/command <$root/dev/null >/dev/ttyS1 2>&1
status=$?
# The command's last line may be without its end.
$b printf '\n%s exit %s\n' "$token" "$status" >/dev/ttyS1
$b poweroff -f
