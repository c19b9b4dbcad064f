/* SPDX-License-Identifier: Apache-2.0 */

/* Frames to and from a runner, its outputs, and the clock. The idea: one frame at a time. Until it
 * is taken nothing more is read, so a runner that sends without end waits; and no more memory is
 * held for it than one frame and its outputs may have. */

#include "cage/cage_internal.h"

#include <sotto/alloc.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JSON_BYTES_MAX ((size_t)64 * 1024)

struct cage_standing cage_standing(const struct cage *cage)
{
    return cage->standing;
}

void cage_describe(char out[CAGE_STANDING_TEXT_BYTES], const struct cage_standing *standing)
{
    char landlock[32] = "no Landlock";
    if (standing->landlock > 0) {
        (void)snprintf(landlock, sizeof landlock, "Landlock %d", standing->landlock);
    }
    if (standing->unit) {
        (void)snprintf(out, CAGE_STANDING_TEXT_BYTES,
                       "namespaces, no network, limits, a filter of system calls, %s, a unit of "
                       "its own",
                       landlock);
        return;
    }
    (void)snprintf(out, CAGE_STANDING_TEXT_BYTES,
                   "namespaces, no network, limits, a filter of system calls, %s, %s, %s", landlock,
                   standing->memory_group ? "a control group for memory"
                                          : "no control group for memory",
                   standing->processes_group ? "one for processes" : "none for processes");
}

enum sotto_status cage_send(struct cage *cage, enum fence_frame_kind kind, const void *bytes,
                            size_t bytes_len)
{
    SOTTO_REQUIRE(bytes_len <= UINT32_MAX);
    if (cage->sent_bytes == cage->queued.data_bytes) { /* all is gone */
        sotto_writer_release(&cage->queued);
        sotto_writer_init(&cage->queued, SIZE_MAX);
        cage->sent_bytes = 0;
    }
    sotto_writer_reserve(&cage->queued, FENCE_FRAME_HEADER_BYTES + bytes_len);
    sotto_write_u32(&cage->queued, (uint32_t)kind);
    sotto_write_blob(&cage->queued, bytes, bytes_len);
    return sotto_writer_status(&cage->queued);
}

static void send_queued(struct cage *cage)
{
    size_t left = cage->queued.data_bytes - cage->sent_bytes;
    ssize_t bytes = left > 0 ? send(cage->socket, cage->queued.data + cage->sent_bytes, left,
                                    MSG_NOSIGNAL | MSG_DONTWAIT)
                             : 0;
    cage->sent_bytes += bytes > 0 ? (size_t)bytes : 0;
}

/* Whether a header is one of a frame that may come now. */
static bool check_header(const struct cage *cage, size_t bytes)
{
    const uint8_t *header = cage->header;
    bool is_form = header[1] == 0 && header[2] == 0 && header[3] == 0;
    if (!cage->is_started) {
        return is_form && header[0] == FENCE_FRAME_STANDING && bytes == 4;
    }
    return is_form && (header[0] == FENCE_FRAME_JSON || header[0] == FENCE_FRAME_BYTES);
}

/* Begins the body of a frame whose header is complete. */
static enum sotto_status begin_body(struct cage *cage, struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    struct sotto_reader reader;
    sotto_reader_init(&reader, cage->header + 4, 4);
    size_t bytes = sotto_read_u32(&reader);
    uint64_t most = cage->header[0] == FENCE_FRAME_JSON ? JSON_BYTES_MAX : cage->limits.frame_bytes;
    if (!check_header(cage, bytes)) {
        return cage_end(cage, SOTTO_ERROR_INPUT, "the runner sent what is no frame", err);
    }
    if (bytes > most) {
        (void)snprintf(text, sizeof text, "the runner sent a frame of more than %llu bytes",
                       (unsigned long long)most);
        return cage_end(cage, SOTTO_ERROR_LIMIT, text, err);
    }
    cage->body = (struct sotto_buffer){.data = sotto_alloc(bytes), .data_bytes = bytes};
    cage->body_bytes = 0;
    return cage->body.data != NULL
               ? SOTTO_OK
               : cage_end(cage, SOTTO_ERROR_NO_MEMORY, "no memory for a frame of the runner", err);
}

static bool frame_is_complete(const struct cage *cage)
{
    return cage->header_bytes == sizeof cage->header && cage->body.data != NULL &&
           cage->body_bytes == cage->body.data_bytes;
}

/* Reads bytes that are there into the header or the body. Returns: how many; 0: none now; -1: the
 * socket has ended. */
static ssize_t read_some(struct cage *cage)
{
    bool in_header = cage->header_bytes < sizeof cage->header;
    uint8_t *to =
        in_header ? cage->header + cage->header_bytes : cage->body.data + cage->body_bytes;
    size_t left = in_header ? sizeof cage->header - cage->header_bytes
                            : cage->body.data_bytes - cage->body_bytes;
    ssize_t bytes = read(cage->socket, to, left);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (bytes <= 0) {
        return -1;
    }
    *(in_header ? &cage->header_bytes : &cage->body_bytes) += (size_t)bytes;
    return bytes;
}

/* Reads until a frame is complete or nothing is there any more. */
static enum sotto_status receive_some(struct cage *cage, struct sotto_error *err)
{
    while (!frame_is_complete(cage)) {
        ssize_t bytes = read_some(cage);
        if (bytes < 0) {
            return cage_explain_exit(cage, err);
        }
        if (bytes == 0) {
            return SOTTO_OK;
        }
        if (cage->header_bytes == sizeof cage->header && cage->body.data == NULL) {
            enum sotto_status status = begin_body(cage, err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* Gives a complete frame away, or takes what the fence says. Returns: whether there is one. */
static bool take_frame(struct cage *cage, struct cage_frame *out)
{
    if (!frame_is_complete(cage)) {
        return false;
    }
    bool is_first = !cage->is_started;
    if (is_first) {
        cage->standing.landlock = cage->body.data[0];
        cage->is_started = true;
        sotto_buffer_release(&cage->body);
    } else {
        *out = (struct cage_frame){(enum fence_frame_kind)cage->header[0], cage->body};
    }
    cage->body = (struct sotto_buffer){0};
    cage->header_bytes = 0;
    return !is_first;
}

/* What came, what goes, what was written. */
static enum sotto_status serve(struct cage *cage, struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    send_queued(cage);
    if (!cage_read_output(cage)) {
        (void)snprintf(text, sizeof text, "the runner wrote more than %llu bytes of output",
                       (unsigned long long)cage->limits.output_bytes);
        return cage_end(cage, SOTTO_ERROR_LIMIT, text, err);
    }
    enum sotto_status status = receive_some(cage, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (clock_ms() >= cage->deadline_ms) {
        (void)snprintf(text, sizeof text, "the runner took more than %u s",
                       cage->is_started ? cage->limits.wall_seconds : CAGE_START_MS / 1000);
        return cage_end(cage, SOTTO_ERROR_TIMEOUT, text, err);
    }
    return SOTTO_OK;
}

static void await_events(const struct cage *cage, uint64_t until_ms)
{
    bool sends = cage->sent_bytes < cage->queued.data_bytes;
    struct pollfd fds[2] = {
        {cage->socket, (short)(POLLIN | (sends ? POLLOUT : 0)), 0},
        {cage->output_fd, POLLIN, 0},
    };
    uint64_t now = clock_ms();
    uint64_t until = until_ms < cage->deadline_ms ? until_ms : cage->deadline_ms;
    (void)poll(fds, 2, until > now ? (int)(until - now) : 0);
}

enum sotto_status cage_step(struct cage *cage, struct cage_frame *out_frame, bool *has_frame,
                            uint32_t wait_ms, struct sotto_error *err)
{
    uint64_t until = clock_ms() + wait_ms;
    *has_frame = false;
    if (cage->ended.status != SOTTO_OK) {
        return sotto_error_set(err, cage->ended.status, "%s", cage->ended.text);
    }
    for (;;) {
        bool was_started = cage->is_started;
        enum sotto_status status = serve(cage, err);
        if (status != SOTTO_OK) {
            return status;
        }
        *has_frame = take_frame(cage, out_frame);
        if (*has_frame || cage->is_started != was_started || clock_ms() >= until) {
            return SOTTO_OK;
        }
        await_events(cage, until);
    }
}

void cage_extend(struct cage *cage)
{
    cage->deadline_ms = clock_ms() + (uint64_t)cage->limits.wall_seconds * 1000;
}

const char *cage_output(const struct cage *cage, size_t *out_bytes)
{
    *out_bytes = cage->output_bytes;
    return cage->output;
}
