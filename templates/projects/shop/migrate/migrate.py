#!/usr/bin/env python3
"""Applies the numbered files of sql/ that the database lacks, each in its own transaction.

A file that was applied must not change: its checksum is kept and compared. Two runs take turns.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

import psycopg2

LOCK = 7263451
TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())"""
RECORD = "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)"


class MigrationError(Exception):
    pass


def read(folder):
    """The migrations of a folder as (number, name, checksum, sql), in order."""
    found = {}
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d+)_\w+\.sql", path.name)
        if not match:
            raise MigrationError(f"{path.name}: the name of a migration is NUMBER_words.sql")
        number, text = int(match[1]), path.read_text("utf-8")
        if number in found:
            raise MigrationError(f"{path.name}: {found[number][1]} has the same number")
        found[number] = (number, path.name, hashlib.sha256(text.encode()).hexdigest(), text)
    return [found[number] for number in sorted(found)]


def missing(migrations, applied):
    """Those of the migrations that are not applied; applied is {number: checksum}."""
    for number, name, checksum, _ in migrations:
        if applied.get(number, checksum) != checksum:
            raise MigrationError(f"{name}: was changed after it was applied; write a new one")
    return [migration for migration in migrations if migration[0] not in applied]


def apply(connection, migrations):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        cursor.execute(TABLE)
        cursor.execute("SELECT number, checksum FROM schema_migrations")
        wanted = missing(migrations, dict(cursor.fetchall()))
    connection.commit()
    for number, name, checksum, sql in wanted:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.execute(RECORD, (number, name, checksum))
        print(f"applied {name}", flush=True)
    return len(wanted)


def main():
    password_file = os.environ.get("PGPASSWORD_FILE")
    password = Path(password_file).read_text("utf-8").strip() if password_file else None
    try:
        migrations = read(Path(__file__).parent / "sql")
        connection = psycopg2.connect(password=password, connect_timeout=10)
        count = apply(connection, migrations)
        connection.close()
    except (MigrationError, psycopg2.Error) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    print(f"the database is up to date: {len(migrations)} migrations, {count} new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
