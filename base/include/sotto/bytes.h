/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BYTES_H
#define SOTTO_BYTES_H

/* A bounded reader and a bounded writer, little endian, through which all bytes from and to the
 * outside pass. Both fail stickily: after the first failure every read gives zeros and every write
 * does nothing, so that a parser reads a whole message and asks once. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* Borrows data. Use the functions, not the fields. */
struct sotto_reader {
    const uint8_t *data;
    size_t data_bytes;
    size_t position;
    bool failed;
};

/* Begins reading data_bytes bytes at data, which may be NULL where there are none. Ownership:
 * borrows data as long as anything is read. */
SOTTO_API void sotto_reader_init(struct sotto_reader *reader, const void *data, size_t data_bytes);

/* Reads one byte. Returns: 0 on failure. */
SOTTO_API uint8_t sotto_read_u8(struct sotto_reader *reader);

/* Reads two bytes, least significant first. Returns: 0 on failure. */
SOTTO_API uint16_t sotto_read_u16(struct sotto_reader *reader);

/* Reads four bytes, least significant first. Returns: 0 on failure. */
SOTTO_API uint32_t sotto_read_u32(struct sotto_reader *reader);

/* Reads eight bytes, least significant first. Returns: 0 on failure. */
SOTTO_API uint64_t sotto_read_u64(struct sotto_reader *reader);

/* Reads a double's eight bytes, least significant first; any of them is one. Returns: 0 on failure.
 */
SOTTO_API double sotto_read_double(struct sotto_reader *reader);

/* Reads bytes bytes. Returns: a pointer into the reader's data, or NULL on failure. */
SOTTO_API const uint8_t *sotto_read_bytes(struct sotto_reader *reader, size_t bytes);

/* Copies bytes bytes to out, zeros on failure. */
SOTTO_API void sotto_read_copy(struct sotto_reader *reader, void *out, size_t bytes);

/* Reads a u32 length of at most max_bytes and that many bytes. Returns: as sotto_read_bytes. */
SOTTO_API const uint8_t *sotto_read_blob(struct sotto_reader *reader, size_t *out_bytes,
                                         size_t max_bytes);

/* How many bytes are left to read; 0 after a failure. */
SOTTO_API size_t sotto_reader_left(const struct sotto_reader *reader);

/* Makes the reader fail: for a parser that has read a value that can't be. */
SOTTO_API void sotto_reader_fail(struct sotto_reader *reader);

/* Makes the reader fail unless what was read may be. */
SOTTO_API void sotto_reader_demand(struct sotto_reader *reader, bool holds);

/* Returns: true if nothing failed and nothing is left over. */
SOTTO_API bool sotto_reader_finished(const struct sotto_reader *reader);

/* Owns data, which grows up to limit_bytes. Zero-initialise with sotto_writer_init. */
struct sotto_writer {
    uint8_t *data;
    size_t data_bytes;
    size_t capacity_bytes;
    size_t limit_bytes;
    bool failed;
};

/* Begins an empty byte string that may grow to limit_bytes. Nothing is allocated yet. */
SOTTO_API void sotto_writer_init(struct sotto_writer *writer, size_t limit_bytes);

/* Frees the data and leaves a writer that can only be initialised again. */
SOTTO_API void sotto_writer_release(struct sotto_writer *writer);

/* Makes room for bytes more bytes, exactly: for long data, where growing by doubling would waste.
 */
SOTTO_API void sotto_writer_reserve(struct sotto_writer *writer, size_t bytes);

/* Appends one byte. */
SOTTO_API void sotto_write_u8(struct sotto_writer *writer, uint8_t value);

/* Appends two bytes, least significant first. */
SOTTO_API void sotto_write_u16(struct sotto_writer *writer, uint16_t value);

/* Appends four bytes, least significant first. */
SOTTO_API void sotto_write_u32(struct sotto_writer *writer, uint32_t value);

/* Appends eight bytes, least significant first. */
SOTTO_API void sotto_write_u64(struct sotto_writer *writer, uint64_t value);

/* Appends a double's eight bytes, least significant first. */
SOTTO_API void sotto_write_double(struct sotto_writer *writer, double value);

/* Appends a copy of data_bytes bytes; data may be NULL where there are none. */
SOTTO_API void sotto_write_bytes(struct sotto_writer *writer, const void *data, size_t data_bytes);
/* A u32 length and the bytes; fails where the length does not fit. */
SOTTO_API void sotto_write_blob(struct sotto_writer *writer, const void *data, size_t data_bytes);

/* Appends bytes bytes of undefined content. Returns: where they start, valid until the next write,
 * or NULL on failure. */
SOTTO_API uint8_t *sotto_write_space(struct sotto_writer *writer, size_t bytes);

/* Returns: SOTTO_ERROR_NO_MEMORY if a write failed (no memory, or limit_bytes reached). */
SOTTO_API enum sotto_status sotto_writer_status(const struct sotto_writer *writer) SOTTO_NODISCARD;

/* Gives the data to the caller (ended by sotto_free) and leaves the writer empty. */
SOTTO_API uint8_t *sotto_writer_take(struct sotto_writer *writer, size_t *out_bytes);

/* An owned byte string. */
struct sotto_buffer {
    uint8_t *data;
    size_t data_bytes;
    void *owners; /* how many others own the same bytes, where there are others; else NULL */
};

/* Frees the bytes, if nobody else owns them, and leaves the buffer empty. */
SOTTO_API void sotto_buffer_release(struct sotto_buffer *buffer);

/* Copies data. Returns: SOTTO_ERROR_NO_MEMORY, and *out empty. */
SOTTO_API enum sotto_status sotto_buffer_copy(struct sotto_buffer *out, const void *data,
                                              size_t data_bytes) SOTTO_NODISCARD;

/* Makes *out another owner of the same bytes, which nobody may change from then on. Returns:
 * SOTTO_ERROR_NO_MEMORY, and *out empty. Threads: each owner may be another's. */
SOTTO_API enum sotto_status sotto_buffer_share(struct sotto_buffer *out,
                                               struct sotto_buffer *in_out) SOTTO_NODISCARD;

/* Loads eight bytes, least significant first, from any alignment. */
SOTTO_API uint64_t sotto_load_u64(const uint8_t *from);

/* Stores value in the eight bytes at `to`, least significant first, at any alignment. */
SOTTO_API void sotto_store_u64(uint8_t *to, uint64_t value);

SOTTO_END_DECLS

#endif
