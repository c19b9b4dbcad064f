/* SPDX-License-Identifier: Apache-2.0 */

/* The progress of a task, read from its log lines. Leans on the tags of those lines, which
 * federation/ writes ("[Join] task 1 round 1 ..."). The idea: on a terminal one line is drawn anew,
 * and only what matters later stays above it; elsewhere each line goes out as it came. */

#include "cli/progress.h"

#include "loop/log.h"
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <sotto/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define LINE_BYTES_MAX 1024

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

void progress_begin(struct progress *progress, uint64_t number)
{
    const char *term = getenv("TERM");
    (void)setlocale(LC_CTYPE, "");
    *progress = (struct progress){.number = number, .start_ms = clock_ms()};
    progress->is_live =
        isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0 && term[0] != '\0';
    progress->is_coloured = progress->is_live && !is_set("NO_COLOR");
    progress->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    (void)snprintf(progress->step, sizeof progress->step, "created");
}

/* --- What a line says --- */

/* Reads " word NUMBER" and goes behind it. Returns: false, and nothing is changed, if it is not
 * there. */
static bool skip_number(const char **in_out, unsigned *out, const char *word)
{
    size_t bytes = strlen(word);
    char *end = NULL;
    if (strncmp(*in_out, word, bytes) != 0 || (*in_out)[bytes] < '0' || (*in_out)[bytes] > '9') {
        return false;
    }
    unsigned long value = strtoul(*in_out + bytes, &end, 10);
    *out = value < UINT_MAX ? (unsigned)value : UINT_MAX;
    *in_out = end;
    return true;
}

/* Splits "[Tag] task 1 round 2 text". Returns: the text; NULL if there is no tag. */
static const char *split_message(char tag[48], unsigned *out_round, const char *message)
{
    const char *end = strchr(message, ']');
    unsigned task = 0;
    if (message[0] != '[' || end == NULL || end - message > 40) {
        return NULL;
    }
    (void)snprintf(tag, 48, "%.*s", (int)(end - message - 1), message + 1);
    const char *at = end + 1;
    if (skip_number(&at, &task, " task ") && skip_number(&at, out_round, " round ")) {
        return at + (*at == ' ');
    }
    return end + 1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text);
    size_t end_bytes = strlen(end);
    return bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

static void add_name(struct progress *progress, const char *text)
{
    size_t used = strlen(progress->names);
    int name_bytes = (int)(strlen(text) - strlen(" joined"));
    progress->joined++;
    (void)snprintf(progress->names + used, sizeof progress->names - used, "%s%.*s",
                   used > 0 ? ", " : "", name_bytes, text);
}

static void set_step(struct progress *progress, const char *step)
{
    progress->answers = 0;
    (void)snprintf(progress->step, sizeof progress->step, "%s", step);
}

/* Returns: whether the line is worth keeping on the terminal. */
static bool heed_message(struct progress *progress, const char *tag, const char *text)
{
    static const struct {
        const char *tag;
        const char *step;
    } steps[] = {
        {"Start Round", "waiting for parties"},
        {"Select Candidates", "dealing shares"},
        {"Start Calculation", "each party computes"},
        {"Start Aggregation", "adding up"},
        {"Secret Sharing Parts Data", "unmasking"},
        {"Confirm", "each party checks the result"},
        {"Finish Task", "finished"},
    };
    if (strcmp(tag, "Join") == 0) {
        bool joins = ends_with(text, " joined");
        if (joins && progress->round <= 1) {
            add_name(progress, text);
        }
        return !joins;
    }
    if (strcmp(tag, "Model") == 0) {
        (void)snprintf(progress->models, sizeof progress->models, "%s", text);
    }
    if (strcmp(tag, "Masked Result Commitment") == 0) {
        progress->answers++;
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(tag, steps[i].tag) == 0) {
            set_step(progress, steps[i].step);
        }
    }
    bool is_confirmation = strcmp(tag, "Confirm") == 0 && strncmp(text, "confirmed", 9) == 0;
    return strcmp(tag, "Error") == 0 || strcmp(tag, "Restart") == 0 || is_confirmation;
}

/* --- Drawing --- */

static int count_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_DEFAULT;
}

/* Cuts a text after so many characters; where the terminal has no UTF-8 others than ASCII are "?".
 */
static void fit_text(char *text, int width, bool is_utf8)
{
    char *to = text;
    for (const char *from = text; *from != '\0' && width > 0; from++) {
        unsigned char c = (unsigned char)*from;
        bool goes_on = (c & 0xC0) == 0x80;
        if (goes_on && !is_utf8) {
            continue;
        }
        *to++ = (char)(c >= 0x80 && !is_utf8 ? '?' : c);
        width -= ((unsigned char)from[1] & 0xC0) != 0x80;
    }
    *to = '\0';
}

static void wipe_line(struct progress *progress)
{
    if (progress->is_drawn) {
        (void)fputs("\r\033[K", stderr);
    }
    progress->is_drawn = false;
}

static double seconds_of(const struct progress *progress)
{
    return (double)(clock_ms() - progress->start_ms) / 1000;
}

/* What else there is to say: how far models are, or before there is any, who joined. */
static void write_news(const struct progress *progress, char *out, size_t out_bytes)
{
    if (progress->models[0] != '\0') {
        (void)snprintf(out, out_bytes, "%s", progress->models);
    } else {
        (void)snprintf(out, out_bytes, "%u joined%s%s", progress->joined,
                       progress->joined > 0 ? ": " : "", progress->names);
    }
}

void progress_tick(struct progress *progress)
{
    char line[LINE_BYTES_MAX];
    char answers[48] = "";
    char round[32] = "";
    if (!progress->is_live) {
        return;
    }
    if (progress->answers > 0) {
        (void)snprintf(answers, sizeof answers, ", %u of %u are done", progress->answers,
                       progress->joined);
    }
    if (progress->round > 1) {
        (void)snprintf(round, sizeof round, "round %u, ", progress->round);
    }
    int bytes = snprintf(line, sizeof line, "task %llu  %.1f s  %s%s%s  ",
                         (unsigned long long)progress->number, seconds_of(progress), round,
                         progress->step, answers);
    write_news(progress, line + bytes, sizeof line - (size_t)bytes);
    sotto_text_sanitize(line);
    fit_text(line, count_columns() - 1, progress->is_utf8);
    if (progress->is_drawn && strncmp(line, progress->drawn, sizeof progress->drawn - 1) == 0) {
        return;
    }
    (void)snprintf(progress->drawn, sizeof progress->drawn, "%s", line);
    (void)fprintf(stderr, "\r%s%s%s\033[K", progress->is_coloured ? "\033[36m" : "", line,
                  progress->is_coloured ? "\033[0m" : "");
    (void)fflush(stderr);
    progress->is_drawn = true;
}

void progress_take(struct progress *progress, int64_t created_ms, const char *message)
{
    char tag[48] = "";
    char text[2048];
    char when[LOG_TIME_BYTES];
    (void)snprintf(text, sizeof text, "%s", message);
    sotto_text_sanitize(text);
    if (!progress->is_live) {
        log_time(when, created_ms);
        (void)fprintf(stderr, "%s  %s\n", when, text);
        return;
    }
    const char *said = split_message(tag, &progress->round, text);
    if (said == NULL || heed_message(progress, tag, said)) {
        const char *kept = said != NULL ? said + strspn(said, " ") : text;
        wipe_line(progress);
        (void)fprintf(stderr, "%s%s%s\n", progress->is_coloured ? "\033[33m" : "", kept,
                      progress->is_coloured ? "\033[0m" : "");
    }
    progress_tick(progress);
}

void progress_end(struct progress *progress, bool is_well)
{
    if (!progress->is_live) {
        return;
    }
    wipe_line(progress);
    progress->is_live = false;
    if (is_well) {
        char line[LINE_BYTES_MAX];
        (void)snprintf(line, sizeof line, "task %llu: %.1f s, of %s",
                       (unsigned long long)progress->number, seconds_of(progress), progress->names);
        sotto_text_sanitize(line);
        fit_text(line, LINE_BYTES_MAX, progress->is_utf8);
        (void)fprintf(stderr, "%s\n", line);
    }
}
