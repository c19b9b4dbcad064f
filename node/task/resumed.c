/* SPDX-License-Identifier: Apache-2.0 */

/* Tasks of several rounds, over the end of a process. Leans on the party's machine
 * (sotto_task_party_resume), on the store, and on joined.c for all that a task does. What is where:
 *
 * 1. Each round that was opened, and which another follows, is durable before this node's ADVERT of
 *    that leaves. With the first one go the node's own notes: which groups it keeps back in all
 *    rounds, what its owner decided, and which files it read.
 * 2. That its rows leave masked, and its consent, are durable too (store_answer). The last of these
 *    entries says which session they left for.
 * 3. A new process makes the machine of both. It opens the files again, and reads databases: where
 *    a file is another by now, rows have another digest, or policy no longer offers them, the node
 *    leaves.
 * 4. What the task was answered stands in the ledger. The same question over the same rows and
 *    parties is a repetition there, which counts once.
 * 5. When the task is over the entries go. A node that could not write them goes on, and is lost if
 *    its process ends: so is a node that took part in its own task, whose creator is gone too. */

#include "store/store_underway.h"
#include "task/compute_internal.h"

#include <sotto/alloc.h>
#include <string.h>

#define NOTES_VERSION 1

/* --- This node's own notes --- */

static void write_identity(struct sotto_writer *writer, const struct sotto_file_identity *identity)
{
    sotto_write_u64(writer, identity->device);
    sotto_write_u64(writer, identity->inode);
    sotto_write_u64(writer, identity->size_bytes);
    sotto_write_u64(writer, (uint64_t)identity->modified_ns);
    sotto_write_u64(writer, (uint64_t)identity->changed_ns);
}

static struct sotto_file_identity read_identity(struct sotto_reader *reader)
{
    struct sotto_file_identity identity = {0};
    identity.device = sotto_read_u64(reader);
    identity.inode = sotto_read_u64(reader);
    identity.size_bytes = sotto_read_u64(reader);
    identity.modified_ns = (int64_t)sotto_read_u64(reader);
    identity.changed_ns = (int64_t)sotto_read_u64(reader);
    return identity;
}

static enum sotto_status write_notes(struct sotto_buffer *out, const struct joined *joined)
{
    struct sotto_writer writer;
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    size_t groups_len = joined->withheld != NULL ? sotto_driver_groups_len(driver) : 0;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_u8(&writer, NOTES_VERSION);
    sotto_write_u64(&writer, joined->asked);
    sotto_write_u8(&writer, joined->needs_leave);
    sotto_write_blob(&writer, joined->withheld, groups_len);
    sotto_write_u32(&writer, (uint32_t)joined->datasets_len);
    for (size_t i = 0; i < joined->datasets_len; i++) {
        write_identity(&writer, &joined->datasets[i].catalogue->identity);
    }
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        *out = (struct sotto_buffer){0};
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

static enum sotto_status fail_malformed(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "its entry in the database is malformed");
}

/* Whether the files that were opened are those of the notes. */
static enum sotto_status check_files(const struct joined *joined, struct sotto_reader *reader,
                                     struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    if (sotto_read_u32(reader) != joined->datasets_len) {
        return fail_malformed(err);
    }
    for (size_t i = 0; i < joined->datasets_len; i++) {
        struct sotto_file_identity before = read_identity(reader);
        if (!sotto_file_identity_equal(&before, &joined->datasets[i].catalogue->identity)) {
            return sotto_error_set(err, SOTTO_ERROR_CHANGED, "%s %s than when the task began",
                                   sotto_plan_dataset_file(plan, i),
                                   joined->datasets[i].csv != NULL ? "is another file"
                                                                   : "has other rows");
        }
    }
    return sotto_reader_finished(reader) ? SOTTO_OK : fail_malformed(err);
}

static enum sotto_status read_notes(struct compute *compute, struct joined *joined,
                                    const struct sotto_buffer *notes, struct sotto_error *err)
{
    struct sotto_reader reader;
    size_t withheld_len;
    size_t groups_len = sotto_driver_groups_len(sotto_task_party_driver(joined->machine));
    sotto_reader_init(&reader, notes->data, notes->data_bytes);
    bool fits = sotto_read_u8(&reader) == NOTES_VERSION;
    joined->asked = sotto_read_u64(&reader);
    joined->needs_leave = sotto_read_u8(&reader) != 0;
    const uint8_t *withheld = sotto_read_blob(&reader, &withheld_len, SOTTO_MESSAGE_BYTES_MAX);
    if (!fits || withheld == NULL || (withheld_len != 0 && withheld_len != groups_len)) {
        return fail_malformed(err);
    }
    joined->withheld = sotto_alloc_zeroed(groups_len + 1);
    if (joined->withheld == NULL) {
        return sotto_error_no_memory(err);
    }
    memcpy(joined->withheld, withheld, withheld_len);
    enum sotto_status status = joined_open_datasets(compute, joined, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_files(joined, &reader, err);
}

/* --- While a task is under way --- */

static enum sotto_status add_entries(struct store *store, const struct joined *joined,
                                     const struct sotto_buffer *notes,
                                     const struct sotto_buffer *round, struct sotto_error *err)
{
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!joined->is_kept) {
        status = store_underway_add(store, &joined->id, &joined->creator, notes->data,
                                    notes->data_bytes, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = store_underway_add(store, &joined->id, &joined->creator, round->data,
                                round->data_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

void resumed_keep(struct compute *compute, struct joined *joined, const struct sotto_buffer *round)
{
    struct sotto_error err = {0};
    struct sotto_buffer notes = {0};
    if (sotto_key_equal(&joined->creator, &compute->key)) {
        return;
    }
    enum sotto_status status = write_notes(&notes, joined);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(&err);
        goto out;
    }
    status = add_entries(compute->config.store, joined, &notes, round, &err);
    joined->is_kept = joined->is_kept || status == SOTTO_OK;
out:
    if (status != SOTTO_OK) {
        log_limited(LOG_JOINED, compute__peer_name(compute, &joined->creator),
                    "%s: a round is not kept, so a restart of this node would end it: %s",
                    joined->label, err.text);
    }
    sotto_buffer_release(&notes);
}

void resumed_forget(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    if (joined->is_kept && store_underway_forget(compute->config.store, &joined->id,
                                                 &joined->creator, &err) != SOTTO_OK) {
        log_warning("%s: its rounds are still in the database: %s", joined->label, err.text);
    }
    joined->is_kept = false;
}

/* --- A new process --- */

/* entries: the notes, then a round each. */
static enum sotto_status make_machine(struct compute *compute, struct joined *joined,
                                      const struct sotto_buffer *entries, size_t entries_len,
                                      struct sotto_error *err)
{
    struct sotto_buffer pledge = {0};
    enum sotto_status status =
        store_get_last_answer(compute->config.store, &pledge, &joined->id, &joined->creator, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_task_party_config config = joined_describe_party(compute);
    struct sotto_task_party_past past = {.kept = entries + 1,
                                         .kept_len = entries_len - 1,
                                         .pledge = pledge.data,
                                         .pledge_bytes = pledge.data_bytes};
    status = sotto_task_party_resume(&joined->machine, &config, &past, err);
    sotto_buffer_release(&pledge);
    return status;
}

/* Ownership: *out is joined_free's, if there is one. Returns: a failure that leaves nothing to
 * decline with. */
static enum sotto_status restore_joined(struct compute *compute, struct joined **out,
                                        const struct store_underway *task, struct sotto_error *err)
{
    struct sotto_buffer *entries = NULL;
    size_t entries_len = 0;
    struct joined *joined = NULL;
    enum sotto_status status = store_get_underway(compute->config.store, &entries, &entries_len,
                                                  &task->id, &task->creator, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (entries_len < 2) {
        status = fail_malformed(err);
        goto out;
    }
    joined = sotto_alloc_zeroed(sizeof *joined);
    if (joined == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    joined->id = task->id;
    joined->creator = task->creator;
    status = make_machine(compute, joined, entries, entries_len, err);
    if (status != SOTTO_OK) {
        sotto_free(joined);
        goto out;
    }
    joined->is_kept = true;
    joined->is_answered = true;
    *out = joined;
    if (read_notes(compute, joined, &entries[0], err) != SOTTO_OK) {
        sotto_task_party_decline(joined->machine, err->status, NULL);
    }
out:
    store_free_underway(entries, entries_len);
    return status;
}

void resumed_start(struct compute *compute)
{
    struct sotto_error err = {0};
    size_t len = 0;
    struct store_underway *tasks = sotto_alloc_array(JOINED_MAX, sizeof *tasks);
    if (tasks == NULL ||
        store_list_underway(compute->config.store, tasks, JOINED_MAX, &len, &err) != SOTTO_OK) {
        log_warning("tasks that were under way are lost: %s",
                    tasks != NULL ? err.text : "no memory");
    }
    for (size_t i = 0; i < len; i++) {
        struct joined *joined = NULL;
        struct sotto_error reason = {0};
        enum sotto_status status = restore_joined(compute, &joined, &tasks[i], &reason);
        if (status != SOTTO_OK) {
            log_warning("a task of %s that was under way is lost: %s",
                        compute__peer_name(compute, &tasks[i].creator), reason.text);
            (void)!store_underway_forget(compute->config.store, &tasks[i].id, &tasks[i].creator,
                                         &reason);
            continue;
        }
        joined_adopt(compute, joined);
        log_line("%s: goes on after a restart%s%s", joined->label,
                 reason.status != SOTTO_OK ? ", and leaves: " : "",
                 reason.status != SOTTO_OK ? reason.text : "");
    }
    sotto_free(tasks);
}
