/* SPDX-License-Identifier: Apache-2.0 */

/* The routes for who watches a node: whether it is there, whether it can work, what it counts.
 * Leans on api.c, the store and the kernel's files about this process; API.md is the specification.
 */

#include "http/api_internal.h"
#include "loop/log.h"
#include "loop/metrics.h"
#include "store/store_ledger.h"

#include <dirent.h>
#include <jansson.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void http_api__get_health(struct http_api *api, struct http_request *request)
{
    (void)api;
    http_answer_json(request, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"));
}

static size_t count_connected(const struct http_api *api)
{
    size_t connected = 0;
    for (size_t i = 0; i < api->shared->config->file->peers_count; i++) {
        connected +=
            config_has_peer(api->shared->config, i) && api->node.is_connected(api->node.context, i);
    }
    return connected;
}

static double find_free_bytes(const struct http_api *api)
{
    struct statvfs info;
    if (statvfs(api->shared->config->file->state_dir, &info) != 0) {
        return 0;
    }
    return (double)info.f_bavail * (double)info.f_frsize;
}

/* --- Whether it can work --- */

/* Whether the folder with the datasets can be entered and its files listed, and drivers of
 * databases and commands are there: none of them is asked. */
static bool has_data(const struct http_api *api)
{
    const struct config_file *file = api->shared->config->file;
    bool has = file->data_dir == NULL || access(file->data_dir, R_OK | X_OK) == 0;
    for (unsigned i = 0; has && i < file->files_count; i++) {
        const struct file_words *words = &file->files[i];
        has = (words->source == NULL || source_words_are_there(words->source)) &&
              (words->workers == NULL || access(words->workers, X_OK) == 0);
    }
    return has;
}

void http_api__get_ready(struct http_api *api, struct http_request *request)
{
    size_t peers_len = config_count_peers(api->shared->config);
    bool disk = find_free_bytes(api) >= (double)FREE_BYTES_MIN;
    bool peers = peers_len == 0 || count_connected(api) > 0;
    bool data = has_data(api);
    bool is_ready = disk && peers && data;
    http_answer_json(request, is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                     json_pack("{s:s, s:b, s:b, s:b}", "status", is_ready ? "ready" : "not ready",
                               "disk", (int)disk, "peers", (int)peers, "data", (int)data));
}

/* --- What it counts --- */

static void write_tasks(FILE *out, const uint64_t counts[TASK_STATES_LEN])
{
    char labels[64];
    metrics_write_family(out, "sotto_tasks", "gauge", "Tasks that were created here, by status.");
    for (int i = 0; i < TASK_STATES_LEN; i++) {
        (void)snprintf(labels, sizeof labels, "status=\"%s\"", task_state_name((enum task_state)i));
        metrics_write(out, "sotto_tasks", labels, (double)counts[i]);
    }
}

static void write_traffic(FILE *out, const struct http_api *api)
{
    static const char name[] = "sotto_http_bytes_total";
    uint64_t in = 0;
    uint64_t sent = 0;
    api->node.traffic(api->node.context, &in, &sent);
    metrics_write_family(out, name, "counter", "Bytes over each listener.");
    metrics_write(out, name, "listener=\"api\",direction=\"in\"",
                  (double)http_server_bytes_in(api->server));
    metrics_write(out, name, "listener=\"api\",direction=\"out\"",
                  (double)http_server_bytes_out(api->server));
    metrics_write(out, name, "listener=\"peer\",direction=\"in\"", (double)in);
    metrics_write(out, name, "listener=\"peer\",direction=\"out\"", (double)sent);
}

static void write_gauge(FILE *out, const char *name, const char *help, double value)
{
    metrics_write_family(out, name, "gauge", help);
    metrics_write(out, name, NULL, value);
}

static double count_open_files(void)
{
    double len = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        len++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return len - 3; /* without ".", ".." and the folder itself */
}

/* The second number of a line of numbers is that of resident pages. */
static double find_resident_bytes(void)
{
    char line[256] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fgets(line, sizeof line, file) == NULL) {
        line[0] = '\0';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    char *pages = strchr(line, ' ');
    return pages != NULL ? strtod(pages, NULL) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double in_seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Under the names that all programs have for them. */
static void write_process(FILE *out)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    metrics_write_family(out, "process_cpu_seconds_total", "counter", "CPU time.");
    metrics_write(out, "process_cpu_seconds_total", NULL,
                  in_seconds(used.ru_utime) + in_seconds(used.ru_stime));
    write_gauge(out, "process_resident_memory_bytes", "Resident memory.", find_resident_bytes());
    write_gauge(out, "process_open_fds", "Open file descriptors.", count_open_files());
}

static enum sotto_status write_all(FILE *out, const struct http_api *api, struct sotto_error *err)
{
    uint64_t tasks[TASK_STATES_LEN];
    uint64_t entries = 0;
    enum sotto_status status = store_count_tasks(api->reader, tasks, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_count_ledger(api->reader, &entries, err);
    if (status != SOTTO_OK) {
        return status;
    }
    metrics_write_family(out, "sotto_build_info", "gauge", "The version that runs.");
    metrics_write(out, "sotto_build_info", "version=\"" SOTTO_VERSION "\"", 1);
    write_tasks(out, tasks);
    write_gauge(out, "sotto_peers", "Peers in node.yaml.",
                (double)config_count_peers(api->shared->config));
    write_gauge(out, "sotto_peers_connected", "Peers that are connected.",
                (double)count_connected(api));
    write_traffic(out, api);
    metrics_write_counts(out, api->shared->metrics);
    write_gauge(out, "sotto_ledger_entries", "Entries in the ledger.", (double)entries);
    write_gauge(out, "sotto_disk_free_bytes", "Room on the disk of the state directory.",
                find_free_bytes(api));
    write_process(out);
    return SOTTO_OK;
}

void http_api__get_metrics(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    enum sotto_status status =
        out != NULL ? write_all(out, api, &err) : sotto_error_no_memory(&err);
    if (out != NULL && fclose(out) != 0 && status == SOTTO_OK) {
        status = sotto_error_no_memory(&err);
    }
    if (status != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        char *copy = sotto_text_copy(text, bytes);
        http_answer_take(request, copy != NULL ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR,
                         "text/plain; version=0.0.4", copy, copy != NULL ? bytes : 0);
    }
    free(text);
}
