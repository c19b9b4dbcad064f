/* SPDX-License-Identifier: Apache-2.0 */

/* Names and texts in SQL. The idea: what is put between quotes has its quotes doubled and has no
 * NUL, which is all that standard SQL asks for, in DuckDB, PostgreSQL and SQLite alike: none of
 * them knows a backslash there (PostgreSQL since 9.1). */

#include "source/dialect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX 3

void sql_write_quoted(struct sotto_writer *writer, const char *text, char quote)
{
    sotto_write_u8(writer, (uint8_t)quote);
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            sotto_write_u8(writer, (uint8_t)quote);
        }
        sotto_write_u8(writer, (uint8_t)*text);
    }
    sotto_write_u8(writer, (uint8_t)quote);
}

/* Copies one part of a name, which stands in quotes or not. Returns: what follows it, or NULL where
 * it is none. */
static const char *read_part(char out[SOTTO_CSV_NAME_BYTES_MAX + 1], const char *text)
{
    size_t bytes = 0;
    bool is_quoted = *text == '"';
    text += is_quoted;
    while (*text != '\0' && (is_quoted || *text != '.')) {
        if (*text == '"') {
            if (!is_quoted) {
                return NULL;
            }
            text++;
            if (*text != '"') {
                is_quoted = false;
                break;
            }
        }
        if (bytes == SOTTO_CSV_NAME_BYTES_MAX) {
            return NULL;
        }
        out[bytes++] = *text++;
    }
    out[bytes] = '\0';
    return !is_quoted && bytes > 0 && (*text == '\0' || *text == '.') ? text : NULL;
}

enum sotto_status sql_write_name(struct sotto_writer *writer, const char *name,
                                 struct sotto_error *err)
{
    const char *at = name;
    char part[SOTTO_CSV_NAME_BYTES_MAX + 1];
    for (size_t parts = 0; parts < PARTS_MAX; parts++) {
        at = read_part(part, at);
        if (at == NULL) {
            break;
        }
        sql_write_quoted(writer, part, '"');
        if (*at == '\0') {
            return SOTTO_OK;
        }
        sotto_write_u8(writer, '.');
        at++;
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "table \"%s\": expected a name of up to three parts, such as "
                           "public.wages; write one with a point in it as \"a.b\", in quotes",
                           name);
}

/* --- Numbers and texts that plans have --- */

#define STEP_POWER 62 /* 2^62 is an integer of 64 bits, and a double */

void sql_write(struct sotto_writer *writer, const char *sql)
{
    sotto_write_bytes(writer, sql, strlen(sql));
}

/* The least integer has no digits of its own in SQL. */
void sql_write_integer(struct sotto_writer *writer, int64_t number)
{
    char text[40];
    if (number == INT64_MIN) {
        sql_write(writer, "(-9223372036854775807 - 1)");
        return;
    }
    (void)snprintf(text, sizeof text, number < 0 ? "(%lld)" : "%lld", (long long)number);
    sql_write(writer, text);
}

void sql_write_power_of_ten(struct sotto_writer *writer, unsigned power)
{
    sotto_write_u8(writer, '1');
    for (unsigned i = 0; i < power; i++) {
        sotto_write_u8(writer, '0');
    }
}

void sql_write_hex(struct sotto_writer *writer, const char *text, const char *mark)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned byte = (unsigned char)*text;
        sql_write(writer, mark);
        sotto_write_u8(writer, (uint8_t)digits[byte >> 4]);
        sotto_write_u8(writer, (uint8_t)digits[byte & 15]);
    }
}

void sql_write_scaled(struct sotto_writer *writer, const char *value, int power)
{
    const char *sign = power < 0 ? " / " : " * ";
    sql_write(writer, "(");
    sql_write(writer, value);
    for (int left = power < 0 ? -power : power; left > 0; left -= STEP_POWER) {
        sql_write(writer, sign);
        sql_write_integer(writer, INT64_C(1) << (left < STEP_POWER ? left : STEP_POWER));
    }
    sql_write(writer, ")");
}

void sql_write_real(struct sotto_writer *writer, double number, const char *real)
{
    struct sotto_writer value;
    int exponent;
    double part = frexp(number, &exponent);
    sotto_writer_init(&value, SIZE_MAX);
    sql_write(&value, "CAST(");
    sql_write_integer(&value, (int64_t)ldexp(part, 53));
    sql_write(&value, " AS ");
    sql_write(&value, real);
    sql_write(&value, ")");
    sotto_write_u8(&value, 0);
    if (sotto_writer_status(&value) == SOTTO_OK) {
        sql_write_scaled(writer, (const char *)value.data, number == 0 ? 0 : exponent - 53);
    } else {
        writer->failed = true;
    }
    sotto_writer_release(&value);
}
