/* SPDX-License-Identifier: Apache-2.0 */
#include "datasets.h"

#include "log.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Files are read with the default options; another set of options gets another text here. */
#define CATALOGUE_OPTIONS "default"

/* For kernels before 5.6: part by part, following no link at all. */
static int open_by_parts(int folder_fd, const char *file)
{
    char part[256];
    int at = dup(folder_fd);
    while (at >= 0) {
        size_t part_bytes = strcspn(file, "/");
        if (part_bytes == 0 || part_bytes >= sizeof part) {
            (void)close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, file, part_bytes);
        part[part_bytes] = '\0';
        bool is_last = file[part_bytes] == '\0';
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int next = openat(at, part, is_last ? flags : flags | O_DIRECTORY);
        int reason = errno;
        (void)close(at);
        errno = reason;
        if (is_last || next < 0) {
            return next;
        }
        at = next;
        file += part_bytes + 1;
    }
    return -1;
}

int dataset_open_beneath(const char *folder, const char *file, struct sotto_error *err)
{
    if (!config_is_safe_file_name(file)) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED,
                              "\"%s\" is refused: expected the name of a file below data_dir, "
                              "without \"..\" and not absolute",
                              file);
        return -1;
    }
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "data_dir %s: %s", folder, strerror(errno));
        return -1;
    }
    /* O_NONBLOCK: a FIFO must not hold the node; on regular files it means nothing. */
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, folder_fd, file, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        fd = open_by_parts(folder_fd, file);
    }
    int reason = errno;
    (void)close(folder_fd);
    if (fd >= 0) {
        return fd;
    }
    if (reason == EXDEV || reason == ELOOP) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED,
                              "%s is refused: it is a link that leads out of data_dir", file);
    } else if (reason == ENOENT || reason == ENOTDIR) {
        (void)sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s: there is no such file in data_dir",
                              file);
    } else {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", file, strerror(reason));
    }
    return -1;
}

/* The catalogue in the store, if it describes the file that is open. */
static struct sotto_catalogue *recall(struct store *store, const char *file,
                                      const struct sotto_file_identity *identity)
{
    struct sotto_buffer encoded = {0};
    struct sotto_catalogue *catalogue = NULL;
    if (store_catalogue_get(store, &encoded, file, CATALOGUE_OPTIONS, NULL) != SOTTO_OK) {
        return NULL;
    }
    if (sotto_catalogue_decode(&catalogue, encoded.data, encoded.data_bytes) != SOTTO_OK) {
        catalogue = NULL;
    } else if (!sotto_file_identity_equal(&catalogue->identity, identity)) {
        sotto_catalogue_free(catalogue);
        catalogue = NULL;
    }
    sotto_buffer_release(&encoded);
    return catalogue;
}

static void remember(struct store *store, const char *file, const struct sotto_catalogue *catalogue)
{
    struct sotto_buffer encoded = {0};
    struct sotto_error err;
    enum sotto_status status = sotto_catalogue_encode(catalogue, &encoded);
    if (status == SOTTO_OK && store_catalogue_put(store, file, CATALOGUE_OPTIONS, encoded.data,
                                                  encoded.data_bytes, &err) != SOTTO_OK) {
        log_line("the catalogue of %s is not kept: %s", file, err.text); /* it is made again */
    }
    sotto_buffer_release(&encoded);
}

enum sotto_status dataset_open(struct dataset *out, const struct config *config,
                               struct store *store, const char *file, struct sotto_error *err)
{
    struct dataset dataset = {0};
    struct sotto_file_identity identity;
    if (!config_is_safe_file_name(file)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "\"%s\" is refused: expected the name of a file below data_dir, "
                               "without \"..\" and not absolute",
                               file);
    }
    if (!config_offers(config, file)) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s is not offered: policy.datasets of node.yaml does not list it",
                               file);
    }
    int fd = dataset_open_beneath(config->file->data_dir, file, err);
    if (fd < 0) {
        return err != NULL ? err->status : SOTTO_ERROR_IO;
    }
    enum sotto_status status = sotto_csv_open_fd(&dataset.csv, fd, file, NULL, err);
    if (status == SOTTO_OK) {
        status = sotto_csv_identity(dataset.csv, &identity, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    dataset.catalogue = recall(store, file, &identity);
    if (dataset.catalogue == NULL) {
        status = sotto_csv_catalogue(dataset.csv, &dataset.catalogue, err);
        if (status == SOTTO_OK) {
            remember(store, file, dataset.catalogue);
        }
    }
out:
    if (status != SOTTO_OK) {
        dataset_release(&dataset);
    } else {
        *out = dataset;
    }
    return status;
}

void dataset_release(struct dataset *dataset)
{
    sotto_catalogue_free(dataset->catalogue);
    sotto_csv_close(dataset->csv);
    *dataset = (struct dataset){0};
}
