/* SPDX-License-Identifier: Apache-2.0 */

/* Tables of a result: labels and numbers in columns. Leans on nothing but the terminal's width. The
 * idea: on a terminal a table has as many digits as fit, and where even few are too wide, some
 * columns after others; elsewhere, where a program may read it, all digits. */

#include "cli/print.h"

#include <jansson.h>
#include <sotto/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Cells as text, row by row, the first row and column being labels. */
struct table {
    char (*cells)[64];
    size_t rows;
    size_t columns;
    int *widths;    /* of each column */
    int *fractions; /* the most characters of a cell from its point on */
};

static char *cell_at(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->columns + column];
}

void print_group_text(char out[64], json_t *group)
{
    size_t i;
    size_t at = 0;
    json_t *level;
    out[0] = '\0';
    json_array_foreach(group, i, level)
    {
        char text[64];
        print_level_text(text, sizeof text, level);
        int bytes = snprintf(out + at, 64 - at, "%s%s", i > 0 ? ", " : "", text);
        at = bytes > 0 && at + (size_t)bytes < 64 ? at + (size_t)bytes : 63;
    }
    sotto_text_sanitize(out);
}

int print_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

/* The characters of a number from its point on. Returns: SOTTO_NONE of what is no plain number. */
static size_t count_fraction(const char *text)
{
    size_t digits = strspn(text, "-0123456789");
    size_t fraction = text[digits] == '.' ? 1 + strspn(text + digits + 1, "0123456789") : 0;
    bool is_number = digits > 0 && text[digits + fraction] == '\0';
    return is_number ? fraction : SOTTO_NONE;
}

/* How many blanks stand behind a cell, so that points stand below each other. */
static int count_behind(const struct table *table, size_t row, size_t column)
{
    size_t fraction = count_fraction(cell_at(table, row, column));
    return fraction != SOTTO_NONE ? table->fractions[column] - (int)fraction : 0;
}

static void measure(struct table *table, size_t column)
{
    table->fractions[column] = 0;
    for (size_t row = 0; row < table->rows; row++) {
        size_t fraction = count_fraction(cell_at(table, row, column));
        if (fraction != SOTTO_NONE && (int)fraction > table->fractions[column]) {
            table->fractions[column] = (int)fraction;
        }
    }
    table->widths[column] = 0;
    for (size_t row = 0; row < table->rows; row++) {
        int behind = column > 0 ? count_behind(table, row, column) : 0;
        int width = print_width(cell_at(table, row, column)) + behind;
        table->widths[column] = width > table->widths[column] ? width : table->widths[column];
    }
}

/* Returns: the columns of the terminal that results go to; 0 where they go elsewhere. */
static int count_columns(void)
{
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? (int)size.ws_col : 0;
}

/* What the labels and these columns take. */
static int measure_line(const struct table *table, size_t first, size_t end)
{
    int width = 2 + table->widths[0];
    for (size_t column = first; column < end; column++) {
        width += 2 + table->widths[column];
    }
    return width;
}

static void print_row(const struct table *table, size_t row, size_t first, size_t end)
{
    const char *label = cell_at(table, row, 0);
    (void)printf("  %s%*s", label, table->widths[0] - print_width(label), "");
    for (size_t column = first; column < end; column++) {
        const char *text = cell_at(table, row, column);
        int behind = count_behind(table, row, column);
        int before = table->widths[column] - print_width(text) - behind;
        (void)printf("  %*s%s%*s", before, "", text, column + 1 < end ? behind : 0, "");
    }
    (void)printf("\n");
}

/* Prints as many columns at once as the terminal has room for, with the labels before them. */
static void print_columns(const struct table *table, int room)
{
    size_t first = 1;
    do {
        size_t end = first + 1 < table->columns ? first + 1 : table->columns;
        while (end < table->columns && (room == 0 || measure_line(table, first, end + 1) <= room)) {
            end++;
        }
        if (first > 1) {
            (void)printf("\n");
        }
        for (size_t row = 0; row < table->rows; row++) {
            print_row(table, row, first, end);
        }
        first = end;
    } while (first < table->columns);
}

static void fill(struct table *table, const struct print_table *what, unsigned digits)
{
    size_t head = what->column_labels != NULL;
    for (size_t i = 0; i + 1 < table->columns && head == 1; i++) {
        print_level_text(cell_at(table, 0, i + 1), 64, json_array_get(what->column_labels, i));
        sotto_text_sanitize(cell_at(table, 0, i + 1));
    }
    for (size_t i = 0; i + head < table->rows; i++) {
        json_t *label = json_array_get(what->row_labels, i);
        json_t *row = json_array_get(what->values, i);
        if (json_is_array(label)) {
            print_group_text(cell_at(table, i + head, 0), label);
        } else {
            print_level_text(cell_at(table, i + head, 0), 64, label);
            sotto_text_sanitize(cell_at(table, i + head, 0));
        }
        for (size_t j = 0; j + 1 < table->columns; j++) {
            print_cell_text(cell_at(table, i + head, j + 1),
                            head == 1 ? json_array_get(row, j) : row, digits);
        }
    }
    for (size_t column = 0; column < table->columns; column++) {
        measure(table, column);
    }
}

/* Fills the table with the most digits that fit the room. */
static void fit(struct table *table, const struct print_table *what, unsigned digits, int room)
{
    static const unsigned fewer[] = {10, 8, 6, 5, 4};
    fill(table, what, digits);
    for (size_t i = 0; digits == 0 && room > 0 && i < sizeof fewer / sizeof fewer[0] &&
                       measure_line(table, 1, table->columns) > room;
         i++) {
        fill(table, what, fewer[i]);
    }
}

void print_frame(const struct print_table *what, unsigned digits)
{
    size_t columns = what->column_labels != NULL ? json_array_size(what->column_labels) : 1;
    struct table table = {.rows = json_array_size(what->values) + (what->column_labels != NULL),
                          .columns = columns + 1};
    table.cells = calloc(table.rows * table.columns, sizeof *table.cells);
    table.widths = calloc(table.columns, sizeof *table.widths);
    table.fractions = calloc(table.columns, sizeof *table.fractions);
    if (table.cells != NULL && table.widths != NULL && table.fractions != NULL) {
        int room = count_columns();
        fit(&table, what, digits, room);
        print_columns(&table, room);
    } else {
        (void)fprintf(stderr, "sotto: out of memory\n");
    }
    free(table.fractions);
    free(table.widths);
    free(table.cells);
}
