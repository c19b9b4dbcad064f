/* SPDX-License-Identifier: Apache-2.0 */

/* sotto-mpi: a party's part, made by the ranks of an MPI job (engine/PARTS.md).
 *
 *     mpirun sotto-mpi --snapshot v7 [--ask FILE] [--out FILE] PART.csv... <ask >part
 *
 * File i is part i + 1 and goes to rank i modulo the number of ranks. It leans on sotto/part.h, for
 * the part of each file and to merge them, and on MPI to send. The idea: parts are of different
 * lengths, as their evidence is, so MPI_Reduce, which adds up buffers of one length, can't merge
 * them; ranks do it in the tree that a reduction takes, two by two. Whatever goes wrong at a rank
 * ends the job, so that there is a part of all rows or none. */

#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_BYTES_MAX ((size_t)1 << 30)
/* MPI counts bytes of a message in an int. */
#define PIECE_BYTES ((size_t)1 << 30)
#define TAG 22

struct job {
    int rank;
    int ranks_len;
    const char *ask;      /* a path; NULL: standard input */
    const char *out;      /* likewise: standard output */
    const char *snapshot; /* of all rows */
    char **files;
    size_t files_len;
};

/* Ends the job, of all ranks. */
static _Noreturn void give_up(const char *what, const char *why)
{
    int rank = 0;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)fprintf(stderr, "sotto-mpi: rank %d: %s: %s\n", rank, what, why);
    (void)fflush(stderr);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
    abort();
}

static void require(enum sotto_status status, const char *what, const struct sotto_error *err)
{
    if (status != SOTTO_OK) {
        give_up(what, err->text);
    }
}

/* --- What is asked --- */

/* Reads a file to its end. Ownership: the text is ended by sotto_free. */
static char *read_ask(const char *path, size_t *out_bytes)
{
    FILE *file = path != NULL ? fopen(path, "rb") : stdin;
    const char *name = path != NULL ? path : "standard input";
    struct sotto_writer text;
    uint8_t piece[1 << 16];
    size_t bytes;
    if (file == NULL) {
        give_up(name, strerror(errno));
    }
    sotto_writer_init(&text, ASK_BYTES_MAX);
    while ((bytes = fread(piece, 1, sizeof piece, file)) > 0) {
        sotto_write_bytes(&text, piece, bytes);
    }
    if (ferror(file) != 0 || sotto_writer_status(&text) != SOTTO_OK || text.data_bytes == 0) {
        give_up(name, "expected what a node asks, found nothing that can be read");
    }
    if (path != NULL) {
        (void)fclose(file);
    }
    return (char *)sotto_writer_take(&text, out_bytes);
}

/* Rank 0 reads it for all. */
static char *share_ask(const struct job *job, size_t *out_bytes)
{
    uint64_t bytes = 0;
    char *text = NULL;
    if (job->rank == 0) {
        text = read_ask(job->ask, out_bytes);
        bytes = *out_bytes;
    }
    (void)MPI_Bcast(&bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    *out_bytes = (size_t)bytes;
    text = job->rank == 0 ? text : sotto_alloc((size_t)bytes);
    if (text == NULL) {
        give_up("what is asked", "no memory");
    }
    (void)MPI_Bcast(text, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD); /* at most ASK_BYTES_MAX */
    return text;
}

/* --- One file --- */

/* No word that a plan compares with may be one for missing values. */
static void check_words(const struct sotto_round *round, struct sotto_csv *file,
                        struct sotto_source *source, const char *path)
{
    struct sotto_schema offer = {0};
    struct sotto_error err = {0};
    const struct sotto_plan *plan = sotto_round_plan(round);
    require(sotto_source_offer(&offer, plan, &source, &err), path, &err);
    require(sotto_schema_check_words(plan, &offer, &file, &err), path, &err);
    sotto_schema_release(&offer);
}

static void make_part(struct sotto_buffer *out, const struct sotto_round *round,
                      const struct sotto_part_place *place, const char *path)
{
    struct sotto_csv *file = NULL;
    struct sotto_source *source = NULL;
    struct sotto_error err = {0};
    require(sotto_csv_open(&file, path, NULL, &err), path, &err);
    require(sotto_source_new_file(&source, file, NULL, &err), path, &err);
    if (round == NULL) {
        require(sotto_catalogue_part(out, place, source, &err), path, &err);
    } else {
        check_words(round, file, source, path);
        require(sotto_round_part(round, out, place, &source, sotto_tally_parts(), &err), path,
                &err);
    }
    sotto_source_free(source);
    sotto_csv_close(file);
}

/* Puts another part to one, which may be none yet. Ends the other. */
static void merge(struct sotto_buffer *in_out, struct sotto_buffer *other)
{
    struct sotto_buffer merged = {0};
    struct sotto_error err = {0};
    if (in_out->data == NULL) {
        *in_out = *other;
        return;
    }
    const struct sotto_part_bytes parts[] = {{in_out->data, in_out->data_bytes, "one part"},
                                             {other->data, other->data_bytes, "another part"}};
    require(sotto_part_merge(&merged, parts, 2, sotto_tally_parts(), &err), "merging", &err);
    sotto_buffer_release(in_out);
    sotto_buffer_release(other);
    *in_out = merged;
}

/* The part of this rank's files; none if it has none. */
static struct sotto_buffer make_own(const struct job *job)
{
    size_t ask_bytes = 0;
    char *text = share_ask(job, &ask_bytes);
    struct sotto_round *round = NULL;
    struct sotto_buffer own = {0};
    struct sotto_error err = {0};
    struct sotto_part_place place = {.parts_len = (uint32_t)job->files_len,
                                     .snapshot = job->snapshot};
    require(sotto_ask_read(&round, &place.min_rows, text, ask_bytes, &err), "what is asked", &err);
    sotto_wipe(text, ask_bytes); /* with the sketch key of a ledger */
    sotto_free(text);
    if (round != NULL && sotto_plan_datasets_len(sotto_round_plan(round)) != 1) {
        give_up("what is asked", "expected a plan of one dataset");
    }
    for (size_t i = (size_t)job->rank; i < job->files_len; i += (size_t)job->ranks_len) {
        struct sotto_buffer part = {0};
        place.part = (uint32_t)i + 1;
        make_part(&part, round, &place, job->files[i]);
        merge(&own, &part);
    }
    sotto_round_free(round);
    return own;
}

/* --- All ranks --- */

static void send_part(const struct sotto_buffer *part, int to)
{
    uint64_t bytes = part->data_bytes;
    (void)MPI_Send(&bytes, 1, MPI_UINT64_T, to, TAG, MPI_COMM_WORLD);
    for (size_t at = 0; at < part->data_bytes; at += PIECE_BYTES) {
        size_t left = part->data_bytes - at;
        (void)MPI_Send(part->data + at, (int)(left < PIECE_BYTES ? left : PIECE_BYTES), MPI_BYTE,
                       to, TAG, MPI_COMM_WORLD);
    }
}

/* Returns: no data where that rank has no part. */
static struct sotto_buffer receive_part(int from)
{
    uint64_t bytes = 0;
    struct sotto_buffer part = {0};
    (void)MPI_Recv(&bytes, 1, MPI_UINT64_T, from, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (bytes == 0) {
        return part;
    }
    part.data = sotto_alloc((size_t)bytes);
    part.data_bytes = (size_t)bytes;
    if (part.data == NULL) {
        give_up("a part", "no memory");
    }
    for (size_t at = 0; at < part.data_bytes; at += PIECE_BYTES) {
        size_t left = part.data_bytes - at;
        (void)MPI_Recv(part.data + at, (int)(left < PIECE_BYTES ? left : PIECE_BYTES), MPI_BYTE,
                       from, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    return part;
}

/* A binomial tree: in each step half of the ranks that are left give theirs to another one. */
static void reduce(struct sotto_buffer *in_out, const struct job *job)
{
    for (int step = 1; step < job->ranks_len; step *= 2) {
        if (job->rank % (2 * step) != 0) {
            send_part(in_out, job->rank - step);
            sotto_buffer_release(in_out);
            return;
        }
        if (job->rank + step < job->ranks_len) {
            struct sotto_buffer other = receive_part(job->rank + step);
            if (other.data != NULL) {
                merge(in_out, &other);
            }
        }
    }
}

/* For its owner only, as a part holds values of rows. Returns: NULL and errno. */
static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd >= 0 ? fdopen(fd, "wb") : NULL;
}

static void write_part(const struct sotto_buffer *part, const char *path)
{
    FILE *file = path != NULL ? create(path) : stdout;
    const char *name = path != NULL ? path : "standard output";
    bool done = file != NULL && fwrite(part->data, 1, part->data_bytes, file) == part->data_bytes &&
                fflush(file) == 0;
    done = done && (path == NULL || fclose(file) == 0);
    if (!done) {
        give_up(name, strerror(errno));
    }
}

/* --- The command line --- */

static void read_words(struct job *out, int argc, char **argv)
{
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        const char **to = strcmp(argv[at], "--ask") == 0        ? &out->ask
                          : strcmp(argv[at], "--out") == 0      ? &out->out
                          : strcmp(argv[at], "--snapshot") == 0 ? &out->snapshot
                                                                : NULL;
        if (to == NULL) {
            give_up(argv[at], "expected --ask, --out or --snapshot");
        }
        *to = argv[at + 1];
    }
    out->files = argv + at;
    out->files_len = (size_t)(argc - at);
    if (out->files_len == 0 || out->files_len > SOTTO_PARTS_MAX || out->snapshot == NULL) {
        give_up("usage", "sotto-mpi --snapshot NAME [--ask FILE] [--out FILE] PART.csv...");
    }
}

int main(int argc, char **argv)
{
    struct job job = {0};
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        return 1;
    }
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &job.ranks_len);
    read_words(&job, argc, argv);
    if (sotto_init() != SOTTO_OK) {
        give_up("libsotto", "it can't be used here");
    }
    struct sotto_buffer part = make_own(&job);
    reduce(&part, &job);
    (void)MPI_Barrier(MPI_COMM_WORLD); /* nobody writes before all are done */
    if (job.rank == 0) {
        write_part(&part, job.out);
    }
    sotto_buffer_release(&part);
    (void)MPI_Finalize();
    return 0;
}
