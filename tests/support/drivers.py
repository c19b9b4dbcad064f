# SPDX-License-Identifier: Apache-2.0
"""Drivers of databases for tests, where ./dev test more puts them, and tables in databases.

DuckDB is driven by the C interface of its library itself, so that its files are of its version.
"""
import ctypes
import os
import pathlib
import pwd
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACES = {
    "SOTTO_ADBC_DUCKDB": "drivers/node_modules/@duckdb/node-bindings-linux-*/libduckdb.so",
    "SOTTO_ADBC_SQLITE": "venv/lib/python3*/site-packages/adbc_driver_sqlite/libadbc_driver_sqlite.so",
    "SOTTO_ADBC_POSTGRESQL":
        "venv/lib/python3*/site-packages/adbc_driver_postgresql/libadbc_driver_postgresql.so",
}


def find(variable):
    """Returns: the path of a driver, or None."""
    if variable in os.environ:
        return os.environ[variable]
    found = sorted((ROOT / "build").glob(PLACES[variable]))
    return str(found[0]) if found else None


class DuckDB:
    """A database file, or one in memory."""

    def __init__(self, path=None):
        self.library = ctypes.CDLL(find("SOTTO_ADBC_DUCKDB"))
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.library.duckdb_open(path and str(path).encode(), ctypes.byref(self.database)))
        self.check(self.library.duckdb_connect(self.database, ctypes.byref(self.connection)))

    @staticmethod
    def check(state):
        if state != 0:
            raise RuntimeError("DuckDB refuses")

    def run(self, sql):
        result = (ctypes.c_uint64 * 16)()  # duckdb_result, which is smaller
        state = self.library.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        if state != 0:
            self.library.duckdb_result_error.restype = ctypes.c_char_p
            raise RuntimeError(self.library.duckdb_result_error(ctypes.byref(result)).decode())
        self.library.duckdb_destroy_result(ctypes.byref(result))

    def close(self):
        self.library.duckdb_disconnect(ctypes.byref(self.connection))
        self.library.duckdb_close(ctypes.byref(self.database))


class PostgreSQL:
    """A server of its own in a folder, which talks through a socket there and is nobody's else."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        self.bin = programs[-1].parent if programs else None
        self.who = {}
        if os.getuid() == 0:  # which PostgreSQL refuses to run as
            entry = pwd.getpwnam("nobody")
            self.who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            for path in (self.folder, *self.folder.parents):
                if path == self.folder:
                    os.chown(path, entry.pw_uid, entry.pw_gid)

    def command(self, program, *arguments, given=None):
        return subprocess.run([self.bin / program, *arguments], input=given, text=True, check=True, timeout=60,
                              capture_output=True, cwd=self.folder, **self.who).stdout

    def start(self):
        self.command("initdb", "-D", "data", "-U", "sotto", "--auth=trust", "-E", "UTF8", "--no-sync",
                     "--locale=C.UTF-8")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        with open(self.folder / "log", "wb") as log:
            subprocess.run([self.bin / "pg_ctl", "-D", "data", "-w", "-o", options, "start"], check=True,
                           stdout=log, stderr=log, timeout=60, cwd=self.folder, **self.who)

    def run(self, sql):
        return self.command("psql", "-h", self.folder, "-U", "sotto", "-d", "postgres", "-q", "-A", "-t",
                            "-v", "ON_ERROR_STOP=1", given=sql)

    def uri(self, table):
        return f"postgresql:///postgres?host={self.folder}&user=sotto#{table}"

    def stop(self):
        if (self.folder / "data").exists():
            subprocess.run([self.bin / "pg_ctl", "-D", "data", "-m", "immediate", "stop"], timeout=60,
                           capture_output=True, cwd=self.folder, **self.who)
        shutil.rmtree(self.folder / "data", ignore_errors=True)


# --- Rows: tuples, and dictionaries of the names of their columns to types of a database ---

def is_nan(value):
    return isinstance(value, float) and value != value


def sql_value(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), repr(value))
        return f"'{text}'::float8"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def sql_table(table, columns, rows):
    """CREATE TABLE and INSERT, for DuckDB and PostgreSQL."""
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    out = [f"CREATE TABLE {table} ({declared})"]
    for at in range(0, len(rows), 100):
        values = ", ".join("(" + ", ".join(map(sql_value, row)) + ")" for row in rows[at:at + 100])
        out.append(f"INSERT INTO {table} VALUES {values}")
    return ";\n".join(out) + ";"


def csv_value(value):
    if value is None or is_nan(value):
        return "NULL"
    if isinstance(value, bool):
        return str(value)
    return '"' + str(value).replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def csv_table(names, rows):
    return "\n".join([",".join(names), *(",".join(map(csv_value, row)) for row in rows)]) + "\n"
