#!/bin/sh
# usage: database_server.sh redis|postgresql|mariadb: a database with nothing in it, for user mesh, password silk.
set -eu
case $1 in
  redis)
    exec redis-server --save "" --requirepass silk --bind 0.0.0.0 ;;
  postgresql)
    programs=/usr/lib/postgresql/15/bin
    install -d -o postgres /data
    echo silk > /tmp/password
    runuser -u postgres -- $programs/initdb --no-sync --username=mesh --pwfile=/tmp/password --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C /data/postgresql
    echo "host all all all scram-sha-256" >> /data/postgresql/pg_hba.conf
    exec runuser -u postgres -- $programs/postgres -D /data/postgresql -c listen_addresses=0.0.0.0 -c fsync=off \
      -c unix_socket_directories=/tmp ;;
  mariadb)
    # The program that fills a new data folder comes with the clients, and these come with much else.
    set -- --no-defaults --user=root --datadir=/data/mariadb --innodb-log-file-size=4M --innodb-flush-method=nosync \
      --skip-sync-frm
    tables=/usr/share/mysql/mysql_system_tables
    mkdir -p /data/mariadb
    { printf "CREATE DATABASE mysql;\nUSE mysql;\n"; cat ${tables}.sql ${tables}_data.sql; } | mariadbd "$@" --bootstrap
    cat > /tmp/init <<'SQL'
CREATE DATABASE mesh;
CREATE USER mesh@'%' IDENTIFIED BY 'silk';
GRANT ALL ON mesh.* TO mesh@'%';
SQL
    exec mariadbd "$@" --init-file=/tmp/init --bind-address=0.0.0.0 --socket=/tmp/socket --max-allowed-packet=64M \
      --skip-name-resolve ;;
esac
