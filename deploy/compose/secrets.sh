#!/bin/sh
# Makes the secrets of compose.yaml where they are not there yet: random, each readable by the one user that needs it.
# Run as root, since the readers are users of the containers; elsewhere the owner stays who you are.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
own() { if [ "$(id -u)" = 0 ]; then chown "$1" "secrets/$2"; fi; chmod 0400 "secrets/$2"; }
make() { # owner, name: a new secret, unless there is one
    [ -s "secrets/$2" ] || random > "secrets/$2"
    own "$1" "$2"
}

make 10001 postgres_password
make 10001 hook_token
make 10001 bot_token
make 472 grafana_password
[ -s secrets/pgpass ] || printf '*:*:dagster:dagster:%s\n*:*:journal:journal:%s\n' "$(random)" "$(random)" > secrets/pgpass
own 10001 pgpass
[ -s secrets/alertmanager_hook_token ] || cat secrets/hook_token > secrets/alertmanager_hook_token
own 65534 alertmanager_hook_token
if [ "$(id -u)" = 0 ]; then chmod 0711 secrets; fi
ls -ln secrets
