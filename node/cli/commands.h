/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_COMMANDS_H
#define SOTTO_NODE_COMMANDS_H

/* The commands, each in a file for its group. Returns: the exit code. */
struct args;
int cmd_local(const struct args *args);
int cmd_simulate(const struct args *args);
int cmd_partial(const struct args *args);
int cmd_merge(const struct args *args);
int cmd_advance(const struct args *args);
int cmd_trial(const struct args *args); /* sotto simulate --parties */
int cmd_describe(const struct args *args);
int cmd_functions(const struct args *args);
int cmd_node(const struct args *args);
int cmd_poc(const struct args *args);
int cmd_doctor(const struct args *args);
int cmd_keygen(const struct args *args);
int cmd_create(const struct args *args);
int cmd_trace(const struct args *args);
int cmd_wait(const struct args *args);
int cmd_result(const struct args *args);
int cmd_run(const struct args *args);
int cmd_list(const struct args *args);
int cmd_show(const struct args *args);
int cmd_sources(const struct args *args);
int cmd_source_worker(const struct args *args);
int cmd_command_watch(const struct args *args);
int cmd_keeper(const struct args *args);
int cmd_status(const struct args *args);
int cmd_datasets(const struct args *args);
int cmd_nodes(const struct args *args);
int cmd_cancel(const struct args *args);
int cmd_init(const struct args *args);
int cmd_peer(const struct args *args);
int cmd_check(const struct args *args);
int cmd_audit(const struct args *args);
int cmd_asked(const struct args *args);
int cmd_approve(const struct args *args);
int cmd_reject(const struct args *args);
int cmd_code(const struct args *args);
int cmd_token(const struct args *args);
int cmd_receipt(const struct args *args);
int cmd_verify(const struct args *args);
int cmd_record(const struct args *args);
int cmd_reload(const struct args *args);
int cmd_backup(const struct args *args);
int cmd_restore(const struct args *args);
int cmd_completion(const struct args *args);
int cmd_man(const struct args *args);
int cmd_version(const struct args *args);

#endif
