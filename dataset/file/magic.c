/* SPDX-License-Identifier: Apache-2.0 */

/* The first bytes by which files are known that are no text. Leans on nothing.
 *
 * The idea: two kinds are unpacked (stream.c), and all others are refused by their names, since
 * some of them (zip) would pass for a table without rows. A row stands in the table only if no
 * table of text begins like it. */

#include "file/file.h"

#include <string.h>

#define UNPACK "unpack it first"
#define EXPORT "save or export the table as CSV"
#define TAR_MARK_AT 257
#define UTF16_SAMPLE_BYTES ((size_t)512)

struct magic {
    const char *start;
    size_t start_bytes;
    enum sotto__packing packing;
    const char *what;
    const char *advice;
};

#define MAGIC(start, packing, what, advice)                                                        \
    {                                                                                              \
        start, sizeof(start) - 1, SOTTO__PACKING_##packing, what, advice                           \
    }

/* UTF-32 comes before UTF-16, whose mark its own begins with. */
static const struct magic magics[] = {
    MAGIC("\x1f\x8b", GZIP, "gzip inside a packed file", UNPACK),
    MAGIC("\x28\xb5\x2f\xfd", ZSTD, "zstd inside a packed file", UNPACK),
    MAGIC("PK\x03\x04", NONE, "a zip archive, as Excel's xlsx are too",
          "unpack it first, or save the sheet as CSV (UTF-8)"),
    MAGIC("PK\x05\x06", NONE, "an empty zip archive", "export the table as CSV"),
    MAGIC("PK\x07\x08", NONE, "a part of a zip archive", UNPACK),
    MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", NONE, "an old Excel file (xls)",
          "save the sheet as CSV (UTF-8)"),
    MAGIC("\xfd"
          "7zXZ\0",
          NONE, "xz", UNPACK),
    MAGIC("BZh", NONE, "bzip2", UNPACK),
    MAGIC("7z\xbc\xaf\x27\x1c", NONE, "a 7z archive", UNPACK),
    MAGIC("\x04\x22\x4d\x18", NONE, "lz4", UNPACK),
    MAGIC("PAR1\x15", NONE, "Parquet", EXPORT),
    MAGIC("ARROW1\0", NONE, "an Arrow file (Feather)", EXPORT),
    MAGIC("\xff\xff\xff\xff", NONE, "an Arrow stream", EXPORT),
    MAGIC("SQLite format 3\0", NONE, "an SQLite database", EXPORT),
    MAGIC("%PDF-", NONE, "PDF", EXPORT),
    MAGIC("Rar!\x1a\x07", NONE, "a rar archive", UNPACK),
    MAGIC("\x1f\x9d", NONE, "compress (.Z)", UNPACK),
    MAGIC("LZIP\x01", NONE, "lzip", UNPACK),
    MAGIC("\x5d\0\0", NONE, "lzma", UNPACK),
    MAGIC("\x89HDF\r\n\x1a\n", NONE, "HDF5", EXPORT),
    MAGIC("Obj\x01", NONE, "Avro", EXPORT),
    MAGIC("$FL2@(#)", NONE, "an SPSS file (sav)", EXPORT),
    MAGIC("<stata_dta>", NONE, "a Stata file (dta)", EXPORT),
    MAGIC("RDX3\nX\n\0", NONE, "R's data (RData)", EXPORT),
    MAGIC("\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", NONE, "a SAS file (sas7bdat)", EXPORT),
    MAGIC("<?xml ", NONE, "XML", EXPORT),
    MAGIC("<!DOCTYPE ", NONE, "a page of HTML", EXPORT),
    MAGIC("<html", NONE, "a page of HTML", EXPORT),
    MAGIC("\xff\xfe\0\0", NONE, "UTF-32", "save the file as UTF-8"),
    MAGIC("\xff\xfe", NONE, "UTF-16", "save the file as UTF-8"),
    MAGIC("\xfe\xff", NONE, "UTF-16", "save the file as UTF-8"),
};

/* bzip2's magic is text by itself: a digit and the mark of a block, or of the end, follow it. */
static bool is_bzip2(const char *start, size_t bytes)
{
    return bytes >= 10 && start[3] >= '1' && start[3] <= '9' &&
           (memcmp(start + 4, "1AY&SY", 6) == 0 || memcmp(start + 4, "\x17rE8P\x90", 6) == 0);
}

static bool begins_as(const struct magic *magic, const char *start, size_t bytes)
{
    return bytes >= magic->start_bytes && memcmp(start, magic->start, magic->start_bytes) == 0 &&
           (strcmp(magic->start, "BZh") != 0 || is_bzip2(start, bytes));
}

static const struct magic *find_magic(const char *start, size_t bytes)
{
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (begins_as(&magics[i], start, bytes)) {
            return &magics[i];
        }
    }
    return NULL;
}

enum sotto__packing sotto__packing_detect(const void *start, size_t bytes)
{
    const struct magic *magic = find_magic(start, bytes);
    return magic != NULL ? magic->packing : SOTTO__PACKING_NONE;
}

/* tar's mark stands behind the name and the times of its first file. */
static bool is_tar(const char *start, size_t bytes)
{
    return bytes >= TAR_MARK_AT + 5 && memcmp(start + TAR_MARK_AT, "ustar", 5) == 0;
}

/* UTF-16 without a mark: of each pair of bytes the same one is 0 where the character is of ASCII,
 * as delimiters and ends of lines are. A text in UTF-8 has no such byte, and a broken one few. */
static bool is_utf16(const char *start, size_t bytes)
{
    size_t zeros[2] = {0, 0};
    size_t pairs = (bytes < UTF16_SAMPLE_BYTES ? bytes : UTF16_SAMPLE_BYTES) / 2;
    for (size_t i = 0; i < 2 * pairs; i++) {
        zeros[i % 2] += start[i] == '\0';
    }
    size_t most = zeros[0] > zeros[1] ? zeros[0] : zeros[1];
    return zeros[0] + zeros[1] == most && most >= 2 && most >= pairs / 8;
}

bool sotto__magic_find(const char **out_what, const char **out_advice, const void *start,
                       size_t bytes)
{
    const struct magic *magic = find_magic(start, bytes);
    if (magic != NULL) {
        *out_what = magic->what;
        *out_advice = magic->advice;
    } else if (is_tar(start, bytes)) {
        *out_what = "a tar archive";
        *out_advice = UNPACK;
    } else if (is_utf16(start, bytes)) {
        *out_what = "UTF-16 without a byte order mark";
        *out_advice = "save the file as UTF-8";
    } else {
        return false;
    }
    return true;
}
