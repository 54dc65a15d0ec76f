#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: a user for each database, none of them a superuser. Their
# passwords are those of pgpass, and are on no command line.
set -eu
while IFS=: read -r _ _ database user password; do
    printf "CREATE ROLE %s LOGIN PASSWORD '%s';\nCREATE DATABASE %s OWNER %s;\nREVOKE ALL ON DATABASE %s FROM PUBLIC;\n" \
        "$user" "$password" "$database" "$user" "$database"
done < /run/secrets/pgpass | psql --quiet --set ON_ERROR_STOP=1 --username postgres
