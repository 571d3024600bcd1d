#!/bin/bash
# Gives the superuser the password that the secret holds now (after `devenv secrets rotate`). The
# value reaches psql by its own variable: neither an argument list nor the server's log shows it.
set -euo pipefail

exec psql -v ON_ERROR_STOP=1 --no-psqlrc -q -U "$POSTGRES_USER" -d postgres <<'SQL'
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
\getenv user POSTGRES_USER
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE :"user" PASSWORD :'password';
SQL
