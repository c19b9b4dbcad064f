/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands: dispatch, help, manual page and completion come from it. A command is a
 * row here and a function cmd_* in a file for its group. A help text fits a screen of 80 columns
 * and 24 lines. */

#include "cli/command.h"

#define CLIENT_USAGE                                                                               \
    "\n"                                                                                           \
    "In a node's folder it is asked itself, with its token; elsewhere --config says\n"             \
    "its node.yaml, or --node URL (SOTTO_NODE) where it is and --token-file\n"                     \
    "(SOTTO_TOKEN_FILE, or SOTTO_TOKEN itself) the token; http://127.0.0.1:6700 if\n"              \
    "nothing does. --ca FILE (SOTTO_CA): what its https is checked against.\n"
#define CLIENT_OPTIONS (OPTION_CLIENT | OPTION_CONFIG)

#define ROWS_USAGE                                                                                 \
    "\n"                                                                                           \
    "--where 'age >= 18' takes these rows only. --by 'dept in (\"R&D\", other)' gives\n"           \
    "each output for each group of them, other being all others;\n"                                \
    "--by 'hist(age, 0, 18, 65)' for bins; --by twice: two keys.\n"                                \
    "--define 'bmi=kg / (m * m)' gives a name to what is computed of columns.\n"

#define TABLE_USAGE "--digits 6 rounds what is printed, --exact adds exact fractions.\n"

#define POLICY_USAGE                                                                               \
    "\n"                                                                                           \
    "--policy safe, open, or a node.yaml: refuses and withholds as nodes with such a\n"            \
    "policy would; with --json the code of the rule is printed.\n"
#define START_USAGE                                                                                \
    "\n"                                                                                           \
    "--start-from: models start from the last coefficients of a task that failed;\n"               \
    "without a plan, with that task's own.\n"

#define WORDS_USAGE                                                                                \
    "\n"                                                                                           \
    "Where a file is not read as it should: --delimiter ';' --decimal , --na none\n"               \
    "(only that is missing) --type id=string --type 'pay=decimal(2)' --type ill=bool\n"            \
    "(yes and no, 1 and 0) --type 'ill=bool(ja/nein)' --type 'born=date(%d.%m.%Y)'\n"              \
    "--skip 2 --footer 1 (lines around the table) --comment '#' --format ndjson.\n"

static const struct command commands[] = {
    {"local", "local", "one table, no federation",
     "sotto local wages.csv... (or --data ALIAS=FILE...) [--where CONDITION]\n"
     "            [--by GROUPS]... [--policy safe] [--json | --csv | --plot]\n"
     "            -- 'm=mean(wage)'...\n"
     "Also x.arrow, x.parquet, 'dir/*.parquet', sqlite:FILE#TABLE, duckdb:FILE#TABLE\n"
     "and postgresql://HOST/DB#TABLE; --driver PATH: what loads them, --log: SQL.\n" POLICY_USAGE
         ROWS_USAGE WORDS_USAGE TABLE_USAGE,
     OPTION_JSON | OPTION_CSV | OPTION_TABLE | OPTION_DATA | OPTION_ROWS | OPTION_WORDS |
         OPTION_POLICY | OPTION_DRIVER | OPTION_LOG,
     cmd_local},
    {"simulate", "simulate", "every file a party, the real protocol in one process",
     "sotto simulate a.csv b.csv c.csv... [--where CONDITION] [--by GROUPS]... [--log]\n"
     "               [--policy safe] [--json | --csv | --plot] -- 'm=mean(wage)'...\n" POLICY_USAGE
         ROWS_USAGE WORDS_USAGE TABLE_USAGE
     "--log: the aggregator's log. A file may be a database (sotto help local).\n"
     "\n"
     "sotto simulate --parties N [--elements 1] [--bits 24] [--drop 0]\n"
     "               [--corrupted 0.05] [--graph auto|complete|curious|semi-malicious]\n"
     "               [--seed N] [--json | --csv]\n"
     "measures each step of a secure sum; --drop: what part vanishes after dealing.\n",
     OPTION_JSON | OPTION_CSV | OPTION_TABLE | OPTION_LOG | OPTION_TRIAL | OPTION_ROWS |
         OPTION_WORDS | OPTION_POLICY | OPTION_DRIVER,
     cmd_simulate},
    {"partial", "partial, merge", "rows on many machines, put together",
     "sotto partial --plan plan.json [--round round.json] [--part 3/8] [--out FILE]\n"
     "              [--snapshot NAME] [--policy safe] wages-3.csv (or --data ALIAS=FILE...)\n"
     "sotto partial --ask FILE ...: for a node, which wrote what it asks into FILE\n"
     "\n"
     "What a part of the rows says: without --round of which types it is. --snapshot:\n"
     "a name of the rows' state, the same in all parts. --policy: whose min_rows the\n"
     "part is made for. sotto merge puts parts together, sotto advance goes on with\n"
     "them; the result is that of one file (engine/PARTS.md).\n" WORDS_USAGE,
     OPTION_ROUND | OPTION_PART | OPTION_OUT | OPTION_DATA | OPTION_WORDS | OPTION_POLICY |
         OPTION_DRIVER,
     cmd_partial},
    {"merge", NULL, "parts of rows, put together to one part",
     "sotto merge PART... [--out FILE]\n"
     "\n"
     "In any order and any tree. A part that is there twice, or is of another plan,\n"
     "round or snapshot, is an error.\n",
     OPTION_OUT, cmd_merge},
    {"advance", NULL, "from all parts to the next round, or to the result",
     "sotto advance --plan plan.json [--round round.json] --out next.json PART\n"
     "              [--json | --csv | --plot]\n"
     "\n"
     "PART has all parts. Writes the next round, for sotto partial, or prints the\n"
     "result and writes nothing.\n" TABLE_USAGE,
     OPTION_ROUND | OPTION_OUT | OPTION_JSON | OPTION_CSV | OPTION_TABLE, cmd_advance},
    {"describe", "describe", "the columns of a file, as a task reads them",
     "sotto describe wages.csv [--json]\n"
     "\n"
     "Rows, and each column's type, missing values and, of strings, different ones\n"
     "(up to 100000). The file may be packed by gzip or zstd; - is standard input; or\n"
     "it is x.arrow, x.parquet or a table (sotto help local), with --driver "
     "PATH.\n" WORDS_USAGE,
     OPTION_JSON | OPTION_WORDS | OPTION_DRIVER, cmd_describe},
    {"functions", "functions", "what can be asked, and one function explained",
     "sotto functions [--json]         all functions, a line each\n"
     "sotto functions NAME [--json]    one of them: options, what it opens, an example\n"
     "\n"
     "Other systems' names are understood: sotto functions ttest_ind.\n",
     OPTION_JSON, cmd_functions},
    {"init", "init", "make a new node here, or show what others need to know of it",
     "sotto init NAME [--listen HOST:PORT] [--api [HOST:]PORT] [--data wages.csv]...\n"
     "sotto init --show [--config node.yaml]\n"
     "\n"
     "Writes a commented node.yaml, a key and the folder data into this folder and\n"
     "prints one line for the others (sotto peer add), with digits to compare by\n"
     "voice; --show prints it again. With --listen others can call the node at\n"
     "HOST:PORT, by TLS with a certificate of its own, and tasks can be created on\n"
     "it. --data: files below data that tasks may read. --api: the port for its own\n"
     "people, 6700 if left out: of two nodes on one machine each needs its own; with\n"
     "HOST they call it from other machines too, by TLS with a certificate api.pem.\n",
     OPTION_SHOW | OPTION_LISTEN | OPTION_DATA | OPTION_CONFIG, cmd_init},
    {"peer", "peer", "get to know another node, or part with it",
     "sotto peer list [--config node.yaml]\n"
     "sotto peer add LINE [--config node.yaml]\n"
     "sotto peer replace LINE [--config node.yaml]\n"
     "sotto peer remove NAME [--config node.yaml]\n"
     "\n"
     "add takes the line that `sotto init` printed on the other machine into\n"
     "node.yaml, and prints its digits: compare them with the other by voice, so that\n"
     "nobody has changed the line on its way. replace takes the line of a peer that\n"
     "has another key or address now. remove takes a peer out: after `sotto reload`\n"
     "its connection is cut, and tasks go on without it.\n",
     OPTION_CONFIG, cmd_peer},
    {"node", "node, poc", "run a node, or a network of some to try things in",
     "sotto node [--config node.yaml] [--check]\n"
     "\n"
     "Prints where it listens, and stops at SIGTERM or SIGINT. --check starts nothing:\n"
     "it says whether the file, the key and the certificates are right, as they have\n"
     "to be for a start or a reload. What else may be wrong says sotto doctor.\n",
     OPTION_CONFIG | OPTION_CHECK, cmd_node},
    {"poc", NULL, "a network of some nodes on this machine, to try things in",
     "sotto poc NUMBER [FOLDER]    makes and starts 3 to 9 nodes\n"
     "sotto poc stop [FOLDER]      stops them\n"
     "\n"
     "They know each other and have invented rows. FOLDER, sotto-poc if left out, has\n"
     "a folder for each with all its state: nodes that were stopped are started again\n"
     "by the first command. It prints each node's board and token, and what is next.\n",
     0, cmd_poc},
    {"status", "status, doctor", "how a node is, and what is wrong with it",
     "sotto status [--json]\n"
     "\n"
     "Whether it can work, who is not connected, its last tasks and what waits for its\n"
     "owner, as far as the token may see it. Exit code 1 if it is not ready.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON, cmd_status},
    {"doctor", NULL, "what is wrong with a node, and what to do",
     "sotto doctor [--config node.yaml]\n"
     "\n"
     "Looks at the configuration, key, token, disk, clock and certificates, reads the\n"
     "files of policy.datasets, asks the node if it runs, and calls the peers that\n"
     "have a url. It changes nothing. Exit code 1 if something fails.\n",
     OPTION_CONFIG, cmd_doctor},
    {"keygen", "keygen, token", "a node's key, and tokens for its people",
     "sotto keygen --out node.key     makes a key and prints its public part\n"
     "sotto keygen --show node.key    prints the public part of a key\n",
     OPTION_OUT | OPTION_SHOW, cmd_keygen},
    {"token", NULL, "tokens for a node's people: new, list, revoke",
     "sotto token new NAME --role ROLE [--days 90] [--config node.yaml]\n"
     "sotto token list [--config node.yaml]\n"
     "sotto token revoke NAME [--config node.yaml]\n"
     "\n"
     "new prints a token, which is shown only once. Roles: ask creates tasks and reads\n"
     "them; read reads them; approve sees and decides what others ask; watch sees how\n"
     "the node is; admin may do everything, as the token in the file `token` may. A\n"
     "node that runs heeds changes at once.\n",
     OPTION_CONFIG | OPTION_TOKEN, cmd_token},
    {"create", "create, cancel", "give a plan to a node, print the task's number",
     "sotto create plan.json [--json]\n"
     "sotto create --start-from NUMBER [plan.json] [--json]\n" START_USAGE CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON | OPTION_START, cmd_create},
    {"trace", "trace, wait", "follow a task until it ends, aloud or in silence",
     "sotto trace NUMBER\n"
     "\n"
     "Exit code 1 if the task fails.\n" CLIENT_USAGE,
     CLIENT_OPTIONS, cmd_trace},
    {"wait", NULL, "wait in silence until a task ends",
     "sotto wait NUMBER\n"
     "\n"
     "Exit code 1 if the task fails.\n" CLIENT_USAGE,
     CLIENT_OPTIONS, cmd_wait},
    {"result", "result", "print the result of a task",
     "sotto result NUMBER [--json | --csv | --plot]\n" TABLE_USAGE CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON | OPTION_CSV | OPTION_TABLE, cmd_result},
    {"run", "run", "create, trace and result in one",
     "sotto run plan.json [--json | --csv | --plot]\n"
     "sotto run --start-from NUMBER [plan.json] [--json | --csv | --plot]\n"
     "sotto run --data wages=wages.csv [--min 3] [--max 9] [--name NAME]\n"
     "          [--wait-timeout 60] [--connection-timeout 60]\n"
     "          [--where CONDITION] [--by GROUPS]...\n"
     "          [--json | --csv | --plot] -- 'm=mean(wage)'...\n" ROWS_USAGE TABLE_USAGE
     "--dry-run prints the plan and asks nobody. Without --name it is called what it\n"
     "asks. Ctrl-C leaves the task at the node: trace and result come back to it.\n" START_USAGE
         CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON | OPTION_CSV | OPTION_TABLE | OPTION_DATA | OPTION_STRATEGY |
         OPTION_NAME | OPTION_ROWS | OPTION_START | OPTION_DRY,
     cmd_run},
    {"receipt", "receipt, verify", "the file that shows who confirmed a result",
     "sotto receipt NUMBER [--out FILE] [--full]\n"
     "\n"
     "Writes receipt-NUMBER.sotto, or FILE, and prints its name. There is one where the\n"
     "parties were given the result and checked it (results: participants). --full: with\n"
     "all that opens the sums, where every owner lets it be kept "
     "(policy.transcripts).\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_OUT | OPTION_FULL, cmd_receipt},
    {"verify", NULL, "check a receipt, without asking anybody",
     "sotto verify FILE [--peers node.yaml] [--json]\n"
     "\n"
     "Says what was asked, the result, who confirmed it and what that is worth. It\n"
     "believes nobody but the keys of the peers in node.yaml. Exit code 1 if the file\n"
     "does not hold, or if it is not full and nobody but who ran the task confirmed.\n",
     OPTION_PEERS | OPTION_JSON, cmd_verify},
    {"list", "list, show", "the tasks of a node, and one of them",
     "sotto list [--limit 20] [--json]    the newest first\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON | OPTION_LIMIT, cmd_list},
    {"show", NULL, "what a task asks, and what became of it",
     "sotto show NUMBER [--json]\n"
     "\n"
     "--json prints its plan.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON, cmd_show},
    {"nodes", "nodes, datasets", "who is connected, and what all nodes publish",
     "sotto nodes [--json]\n" CLIENT_USAGE, CLIENT_OPTIONS | OPTION_JSON, cmd_nodes},
    {"datasets", NULL, "what all nodes publish of their files",
     "sotto datasets [NAME] [--json]\n"
     "\n"
     "Files, columns and types, units, levels and rows, as far as their owners publish\n"
     "them (policy.publish in node.yaml), and who is away. NAME: of this file only.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON, cmd_datasets},
    {"cancel", NULL, "end a task", "sotto cancel NUMBER\n" CLIENT_USAGE, CLIENT_OPTIONS,
     cmd_cancel},
    {"check", "check, sources", "what would my node say to this plan? what its databases?",
     "sotto check plan.json [--config node.yaml] [--from PEER]\n"
     "sotto check --data wages=wages.csv [--where CONDITION] [--by GROUPS]...\n"
     "            [--config node.yaml] [--from PEER] -- 'm=mean(wage)'...\n"
     "\n"
     "Says the plan in words and what each rule says to it, if PEER asks (this node\n"
     "itself, if left out): policy, then the rows of this node's files, by\n"
     "themselves and beside what was answered before. Nothing leaves, and nothing\n"
     "is written down. Exit code 1 if some rule refuses. Run it where the node's\n"
     "files are.\n",
     OPTION_CONFIG | OPTION_FROM | OPTION_DATA | OPTION_STRATEGY | OPTION_NAME | OPTION_ROWS,
     cmd_check},
    {"sources", NULL, "a node's rows in databases and parts: can they be read",
     "sotto sources [NAME] [--config node.yaml] [--json]\n"
     "\n"
     "Lists the datasets of node.yaml that have source or workers. NAME: reads it as a\n"
     "task would, and says how many rows it has, what its columns are, which of them policy\n"
     "hides, and which have no type here; but no value. Exit code 1 if it can't be\n"
     "read. Run it where the node's files are.\n",
     OPTION_CONFIG | OPTION_JSON, cmd_sources},
    {"audit", "audit, record", "what has this node answered, and what was it asked?",
     "sotto audit [--config node.yaml] [--json]    the ledger of answers\n"
     "sotto audit --epoch FILE                     hold its past against it no more\n"
     "\n"
     "Verifies the chain of entries (exit code 1 if somebody changed it) and lists them:\n"
     "who asked what, what was refused, and of each column how many sums were told and\n"
     "how many policy.budget leaves. The last line is the chain's head, number and\n"
     "digest: kept elsewhere, it shows later whether the end was cut off. --epoch lets\n"
     "the ledger forget the conditions and sums that a file was asked about, and needs\n"
     "the node to be stopped. Run it where the node's files are.\n",
     OPTION_CONFIG | OPTION_JSON | OPTION_EPOCH, cmd_audit},
    {"asked", "asked, code", "what others ask of this node's owner, and their code",
     "sotto asked [--json]           what was asked, the newest first\n"
     "sotto asked NUMBER [--json]    one of them in words, its result if there is one\n"
     "\n"
     "With approve: manual in node.yaml tasks of others wait here for a decision. In\n"
     "the node's folder NUMBER says, too, what its rows and ledger would answer.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON, cmd_asked},
    {"approve", "approve, reject", "let this node take part in what was asked, or not",
     "sotto approve NUMBER\n" CLIENT_USAGE, CLIENT_OPTIONS, cmd_approve},
    {"reject", NULL, "decline what was asked", "sotto reject NUMBER\n" CLIENT_USAGE, CLIENT_OPTIONS,
     cmd_reject},
    {"code", NULL, "code of others for learning: read it, approve it",
     "sotto code [--json]                    what was offered, the newest first\n"
     "sotto code show DIGEST [--json]        all of it, or what changed since the last\n"
     "sotto code approve DIGEST [--peer NAME] [--rounds N]\n"
     "sotto code revoke DIGEST\n"
     "\n"
     "With code: approved in node.yaml tasks may run what its owner approved, byte\n"
     "for byte, in a cage. --peer: for this peer alone. --rounds: so many, instead of\n"
     "those that the code asks for. Compare the words of a digest by voice.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON | OPTION_CODE, cmd_code},
    {"record", NULL, "what was asked of this node, and what became of it",
     "sotto record [--json]           every question, verdict and decision, the newest first\n"
     "sotto record NUMBER [--json]    one of them, with its plan\n"
     "\n"
     "The node keeps it for 90 days, whatever anybody asks. (and N more): so many of\n"
     "the same day and reason.\n" CLIENT_USAGE,
     CLIENT_OPTIONS | OPTION_JSON, cmd_record},
    {"reload", "reload, backup", "node.yaml read again; a copy of a node, and back",
     "sotto reload\n"
     "\n"
     "Takes policy, files and peers from node.yaml, as SIGHUP does. If the file is\n"
     "wrong, all stays as it was. Says which changes need a restart.\n" CLIENT_USAGE,
     CLIENT_OPTIONS, cmd_reload},
    {"backup", NULL, "a copy of a node, also while it runs",
     "sotto backup FOLDER [--keys] [--config node.yaml]\n"
     "\n"
     "Makes a folder with the node's database as it is at one moment, node.yaml and\n"
     "tokens; --keys: with its key, token and certificates, too. Run it where the\n"
     "node's files are. Prints the head of the ledger: keep it with the backup.\n",
     OPTION_CONFIG | OPTION_KEYS, cmd_backup},
    {"restore", NULL, "a node from its backup",
     "sotto restore FOLDER --forget [--config node.yaml]\n"
     "\n"
     "Puts a node back where there is none: node.yaml, keys and tokens as far as they\n"
     "are not there, and the database. The node must not run, here or elsewhere. What\n"
     "it answered after the backup it doesn't know any more, so that more could be\n"
     "told than policy lets pass: --forget says that this is so, and the ledger keeps\n"
     "that. Tasks under way, what was approved, and code that was, have ended.\n",
     OPTION_CONFIG | OPTION_FORGET, cmd_restore},
    {"completion", NULL, "print what completes commands in a shell",
     "sotto completion bash    for eval, or a file in bash-completion/completions\n"
     "sotto completion zsh     for a file _sotto in a folder of fpath\n",
     0, cmd_completion},
    {"man", NULL, "print the manual page", "sotto man | man -l -\n", 0, cmd_man},
    {"source-worker", NULL, "read rows through a database's driver (the program starts it itself)",
     "sotto source-worker\n"
     "\n"
     "What a node, or sotto local, starts to load a driver in a process of its own.\n",
     0, cmd_source_worker},
    {"command-watch", NULL, "end an owner's program whose node is gone (a node starts it itself)",
     "sotto command-watch GROUP SECONDS\n"
     "\n"
     "What a node starts beside a program that answers for rows in parts (workers):\n"
     "when the node is gone, killed say, all of its group of processes is ended.\n",
     0, cmd_command_watch},
    {"keeper", NULL, "start a runner or a source's worker in a unit (systemd starts it itself)",
     "sotto keeper runner [FENCE]\n"
     "sotto keeper source\n"
     "\n"
     "What the units sotto-runner and sotto-source start for each connection of a node:\n"
     "it starts one program that the node has no rights over, and ends with it.\n",
     0, cmd_keeper},
    {"version", NULL, "print the version", "sotto version\n", 0, cmd_version},
};

const struct command *command_table(size_t *out_len)
{
    _Static_assert(sizeof commands / sizeof commands[0] <= COMMANDS_MAX, "names are collected");
    *out_len = sizeof commands / sizeof commands[0];
    return commands;
}
