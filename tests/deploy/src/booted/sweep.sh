# PREFIX NAME: in a fresh namespace of mounts, takes away the group of that name; without one, the groups PREFIX…
# whose test has ended. PREFIX is followed by the test's process and a number.
prefix=$1 name=$2
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
for group in "$prefix"*; do
    [ -d "$group" ] || continue
    test=${group#"$prefix"}
    if [ "$group" = "$name" ] || { [ -z "$name" ] && [ ! -d "/proc/${test%-*}" ]; }; then
        find "$group" -depth -type d -exec rmdir {} +
    fi
done
