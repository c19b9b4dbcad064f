/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_API_INTERNAL_H
#define SOTTO_NODE_HTTP_API_INTERNAL_H

/* What api.c (routes, commands), api_tasks.c (tasks and what is kept of them), api_login.c (who
 * asks), api_owner.c (what others ask, policy), api_code.c (code of learning tasks), api_steps.c
 * (how far a task is) and api_watch.c (how the node is) share. */

#include "config/tokens.h"
#include "http/api.h"
#include "http/http.h"
#include "http/logins.h"

struct http_api {
    struct http_server *server;
    const struct shared *shared;
    struct store *reader;
    struct api_node node;
    char token[TOKEN_TEXT_BYTES]; /* the first one: ROLE_ADMIN */
    struct tokens tokens;         /* the others, as the file was at tokens_changed */
    struct timespec tokens_changed;
    char tokens_path[TOKENS_PATH_BYTES];
    struct logins logins;
};

/* Who asks. */
struct asker {
    size_t owner; /* of its connections: 0 for the first token, 1 + the index of another */
    enum token_role role;
    const char *name;
    bool is_logged_in; /* it came with a cookie: else with the token itself */
};

/* The compute thread answers a creation when it has read the creator's own files. */
#define CREATE_SECONDS_MAX 600

/* Of lists: how long a page is, and how long it may be. */
#define PAGE_SIZE_DEFAULT 20
#define PAGE_SIZE_MAX 1000

enum wait_kind { WAIT_FOR_COMPUTE, WAIT_FOR_LOGS, WAIT_FOR_END, WAIT_TO_REFUSE };

/* What a request waits for: its context. */
struct wait {
    enum wait_kind kind;
    uint64_t number; /* of the task */
    uint64_t start;  /* of logs: the first line, and how many at most */
    uint64_t limit;
};

/* openapi.json, which is built in. */
extern const uint8_t api_contract[];
extern const size_t api_contract_bytes;

/* Reads a whole number, of which nothing else stands in the text. Returns: false, and *out as it
 * was, if it is none. */
bool http_api__parse_number(uint64_t *out, const char *text);
/* Reads a query parameter; *out holds the default. Returns: false, and 422 is answered, if it is
 * not a number from min to max. */
bool http_api__read_number(struct http_request *request, uint64_t *out, const char *name,
                           uint64_t min, uint64_t max);
/* Of a list of len. */
uint64_t http_api__count_pages(uint64_t len, uint64_t page_size);
/* Answers 500 with an error of the store, and logs it. */
void http_api__answer_error(struct http_request *request, const struct sotto_error *err);
/* Hands the request to the compute thread, which answers it. */
void http_api__ask_compute(struct http_api *api, struct http_request *request, enum job_kind kind,
                           uint64_t number, bool approves);

/* The same with a job whose number and bytes are set. Ownership: takes job. */
void http_api__push_job(struct http_api *api, struct http_request *request, struct job *job);

/* Answers with the state of a task, its error, and how far its models are. */
void http_api__answer_task_state(const struct http_api *api, struct http_request *request,
                                 const struct store_task *task);
/* Answers with the lines there are. Returns: false, and no answer, if there is none and may_wait.
 */
bool http_api__answer_logs(struct http_api *api, struct http_request *request,
                           const struct wait *wait, bool may_wait);

/* The handlers of api_tasks.c, for the table of routes. */
void http_api__get_metadata(struct http_api *api, struct http_request *request);
void http_api__get_status(struct http_api *api, struct http_request *request);
void http_api__get_list(struct http_api *api, struct http_request *request);
void http_api__get_tasks(struct http_api *api, struct http_request *request);
void http_api__get_logs(struct http_api *api, struct http_request *request);
void http_api__get_result(struct http_api *api, struct http_request *request);
void http_api__get_plan(struct http_api *api, struct http_request *request);
void http_api__get_steps(struct http_api *api, struct http_request *request);
void http_api__get_words(struct http_api *api, struct http_request *request);
void http_api__get_receipt(struct http_api *api, struct http_request *request);
void http_api__get_model(struct http_api *api, struct http_request *request);
void http_api__post_cancel(struct http_api *api, struct http_request *request);

/* The handlers of api_code.c, for the table of routes. */
void http_api__get_code(struct http_api *api, struct http_request *request);
void http_api__get_code_one(struct http_api *api, struct http_request *request);
void http_api__post_code_offer(struct http_api *api, struct http_request *request);
void http_api__post_code_approve(struct http_api *api, struct http_request *request);
void http_api__post_code_revoke(struct http_api *api, struct http_request *request);

/* Lets the request wait, at most wait_s seconds. Returns: false, and 500 is answered, if there is
 * no memory. Ownership: copies wait. */
bool http_api__wait_for(struct http_request *request, const struct wait *wait, uint64_t wait_s);

/* Finds whose token a request has, or whose login: a cookie counts only where the board's own pages
 * sent it. CT: in the token and in the cookie. */
bool http_api__find_asker(struct http_api *api, struct asker *out,
                          const struct http_request *request);
/* Answers 401. */
void http_api__answer_unknown(struct http_request *request);

/* Answers with who has done which step of a task. */
void http_api__answer_steps(struct http_api *api, struct http_request *request, uint64_t number);

/* The handlers of api_login.c, for the table of routes. */
void http_api__post_login(struct http_api *api, struct http_request *request);
void http_api__post_logout(struct http_api *api, struct http_request *request);
void http_api__get_me(struct http_api *api, struct http_request *request);

/* The same of api_owner.c. */
void http_api__get_asked(struct http_api *api, struct http_request *request);
void http_api__get_asked_rules(struct http_api *api, struct http_request *request);
void http_api__get_asked_one(struct http_api *api, struct http_request *request);
void http_api__post_approve(struct http_api *api, struct http_request *request);
void http_api__post_reject(struct http_api *api, struct http_request *request);
void http_api__get_record(struct http_api *api, struct http_request *request);
void http_api__get_record_one(struct http_api *api, struct http_request *request);
void http_api__get_policy(struct http_api *api, struct http_request *request);
void http_api__get_ledger(struct http_api *api, struct http_request *request);
void http_api__post_reload(struct http_api *api, struct http_request *request);

/* The same of api_watch.c. */
void http_api__get_health(struct http_api *api, struct http_request *request);
void http_api__get_ready(struct http_api *api, struct http_request *request);
void http_api__get_metrics(struct http_api *api, struct http_request *request);

#endif
