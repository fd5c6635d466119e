#!/bin/sh
# assemble.sh BUILD IMAGE: the file trees of the final images.
#
# IMAGE/<program> gets the binary and the libraries that only some programs need, IMAGE/common what
# all of them need, so that all images share that layer. Each library brings its package's
# licence, and the package's entry where scanners of images without dpkg look for it.
set -eu

build=$1
image=$2
programs=$(sed 's/.*/&-api &-worker &-migrator/' services/services.list)

curl=$(ldconfig -p | awk '$1 == "libcurl.so.4" { print $NF }' | head -n 1)
[ -n "$curl" ] || { echo "assemble.sh: libcurl.so.4 is not installed" >&2; exit 1; }

# The libraries of a program, the loader among them, by the paths under which they are looked for;
# and libcurl's, which is loaded when somebody is called.
libraries() { # PROGRAM
    echo "$curl"
    ldd "$1" "$curl" | awk '$2 == "=>" { print $3; next } $1 ~ /^\/.*[^:]$/ { print $1 }'
}

copy_library() { # LIBRARY TREE
    cp -L --parents "$1" "$2"
    file=$(realpath "$1")
    package=$(dpkg-query --search "*/${file##*/}" | head -n 1 | cut -d : -f 1)
    copy_package "$package" "$2"
}

copy_package() { # PACKAGE TREE
    mkdir -p "$2/usr/share/doc/$1" "$2/var/lib/dpkg/status.d"
    cp -L "/usr/share/doc/$1/copyright" "$2/usr/share/doc/$1/"
    dpkg-query --status "$1" > "$2/var/lib/dpkg/status.d/$1"
}

lists=$(mktemp -d)
count=0
for program in $programs; do
    libraries "$build/services/$program" | sort -u > "$lists/$program"
    count=$((count + 1))
done
cat "$lists"/* > "$lists.all"
sort "$lists.all" | uniq -c | awk -v all="$count" '$1 == all { print $2 }' > "$lists.common"

common=$image/common
mkdir -p "$common/etc/ssl/certs" "$common/usr/share"
while read -r library; do copy_library "$library" "$common"; done < "$lists.common"
cp /etc/ssl/certs/ca-certificates.crt "$common/etc/ssl/certs/"
mkdir -p "$common/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$common/usr/lib/ssl/cert.pem" # where OpenSSL looks by itself
copy_package ca-certificates "$common"
cp -r /usr/share/common-licenses "$common/usr/share/" # the licences refer to these texts
echo "cartwheel:x:10001:10001:Cartwheel:/nonexistent:/usr/sbin/nologin" > "$common/etc/passwd"
echo "cartwheel:x:10001:" > "$common/etc/group"
echo "hosts: files dns" > "$common/etc/nsswitch.conf"

for program in $programs; do
    tree=$image/$program
    mkdir -p "$tree/usr/bin"
    strip -o "$tree/usr/bin/$program" "$build/services/$program"
    comm -13 "$lists.common" "$lists/$program" | while read -r library; do
        copy_library "$library" "$tree"
    done
done
rm -r "$lists" "$lists.all" "$lists.common"
