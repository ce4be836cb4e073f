# ROOT TAR GROUP: in fresh namespaces of mounts and processes, makes a root of the tar and becomes its systemd.
root=$1 tar=$2 group=$3
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
tar -xf "$tar" -C "$root"
cd "$root"

# With an identity that is there already nothing is set up as at a first boot.
echo 0123456789abcdef0123456789abcdef > etc/machine-id
echo n1 > etc/hostname

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys

# A group of its own is the top of what it sees, so all groups are looked at only to make this one.
mount -t cgroup2 cgroup2 sys
mkdir "sys/$group"
echo 0 > "sys/$group/cgroup.procs"
umount sys

mount -t sysfs -o ro sysfs sys
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do
    : > dev/$device
    mount --bind /dev/$device dev/$device
done

exec unshare --cgroup sh -euc '
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    pivot_root . .
    umount -l .
    mount --make-rshared /
    exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console'
