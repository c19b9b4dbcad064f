/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config/config.h"
#include "node/config/keys.h"
#include "node/config/proxy.h"
#include "node/task/datasets.h"
#include "test.h"

#include <fcntl.h>
#include <sotto/secret.h>
#include <sotto/source.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_A "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define KEY_B "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"

static char folder[64];
static char yaml_path[96];

static int make_folder(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/sotto-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(yaml_path, sizeof yaml_path, "%s/node.yaml", folder);
    return sotto_init() == SOTTO_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum sotto_status load(struct config *out, const char *text, struct sotto_error *err)
{
    write_file(yaml_path, text);
    return config_load(out, yaml_path, err);
}

#define HEAD "name: alpha\nstate_dir: state\nidentity: node.key\n"

static void test_a_whole_file(void **state)
{
    (void)state;
    struct config config;
    struct sotto_error err = {0};
    char data_dir[96];
    (void)snprintf(data_dir, sizeof data_dir, "%s/data", folder);
    assert_int_equal(mkdir(data_dir, 0700), 0);
    enum sotto_status status =
        load(&config,
             HEAD "data_dir: data\n"
                  "api:\n  listen: \"[::1]:0\"\n  token_file: /elsewhere/token\n"
                  "peer:\n  listen: \"0.0.0.0:6701\"\n"
                  "peers:\n"
                  "  - name: beta\n    key: " KEY_A "\n    url: https://beta.example:6701\n"
                  "  - {name: gamma, key: " KEY_B "}\n"
                  "policy:\n  ask: [beta]\n  min_parties: 4\n  colluders: 2\n  min_rows: 0\n"
                  "  datasets: [wages.csv, 2024/wages.csv]\n",
             &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    assert_string_equal(config.file->data_dir, data_dir);
    assert_string_equal(config.file->api.token_file, "/elsewhere/token");
    assert_string_equal(config.file->peers[1].name, "gamma");
    assert_null(config.file->peers[1].url);
    assert_int_equal(config.rules.min_rows, 0);
    assert_false(config.rules.is_on[SOTTO_RULE_ROWS]);
    assert_true(config.rules.is_on[SOTTO_RULE_GRAMMAR]);
    assert_int_equal(config.peer_keys[0].bytes[0], 0x3d);
    assert_true(config_may_ask(&config, "beta"));
    assert_true(config_may_ask(&config, "alpha"));
    assert_false(config_may_ask(&config, "gamma"));
    assert_true(config_offers(&config, "2024/wages.csv"));
    assert_false(config_offers(&config, "wages"));
    config_release(&config);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config config;
    struct sotto_error err = {0};
    assert_ok(load(&config, HEAD, &err));
    assert_string_equal(config.file->api.listen, "127.0.0.1:6700");
    assert_null(config.file->peer);
    assert_int_equal(config.rules.profile, SOTTO_PROFILE_SAFE);
    assert_int_equal(config.rules.min_rows, 10);
    assert_int_equal(config.rows_memory, SOTTO_KEPT_BYTES_DEFAULT);
    assert_true(config_may_ask(&config, "anybody"));
    assert_false(config_offers(&config, "wages.csv"));
    config_release(&config);
    assert_ok(load(&config, HEAD "rows_memory_mb: 3\n", &err));
    assert_int_equal(config.rows_memory, 3 << 20);
    config_release(&config);
}

static void test_budgets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned budget;
        bool charges_rounds;
    } cases[] = {{HEAD, 33, false},
                 {HEAD "policy:\n  budget: 20\n", 20, false},
                 {HEAD "policy:\n  budget: strict\n", 33, true},
                 {HEAD "policy:\n  budget: 20 strict\n", 20, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        struct sotto_error err = {0};
        assert_ok(load(&config, cases[i].text, &err));
        assert_int_equal(config.rules.budget, cases[i].budget);
        assert_int_equal(config.rules.charges_rounds, cases[i].charges_rounds);
        config_release(&config);
    }
}

#define TEXT_20 "abcdefghijklmnopqrst"
#define TEXT_100 TEXT_20 TEXT_20 TEXT_20 TEXT_20 TEXT_20
#define TEXT_400 TEXT_100 TEXT_100 TEXT_100 TEXT_100

/* A file whose workers have something beside them, on line 10. */
#define WORKERS(more)                                                                              \
    HEAD                                                                                           \
        "data_dir: .\npolicy:\n  datasets: [x]\nfiles:\n  - file: x\n    workers: w.sh\n    " more \
        "\n"

/* A file with a source, whose line is 9. */
#define SOURCE(source, more)                                                                       \
    HEAD "data_dir: .\npolicy:\n  datasets: [x]\nfiles:\n  - file: x\n    source: {" source        \
         "}\n" more

/* Paths are those of the file, but for credentials; a server has none. */
static void test_sources(void **state)
{
    (void)state;
    struct config config;
    struct sotto_error err = {0};
    char expected[128];
    enum sotto_status status =
        load(&config,
             HEAD "data_dir: .\npolicy:\n  datasets: [a, b, c, d]\nfiles:\n"
                  "  - {file: a, key: id, source: {adbc: d.so, uri: \"sqlite:p.db\", table: s.t}}\n"
                  "  - {file: b, source: {adbc: /d.so, uri: \"x/*.parquet\"}}\n"
                  "  - file: c\n    source:\n      adbc: /d.so\n      uri_file: pg\n"
                  "      query: SELECT a FROM t -- all\n      options: [\"a=b=c\"]\n"
                  "  - file: d\n    source: {adbc: /d.so, uri: \"postgresql://u@h/d\", table: t}\n",
             &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    const struct source_words *source = config_words_of(&config, "a")->source;
    (void)snprintf(expected, sizeof expected, "%s/d.so", folder);
    assert_string_equal(source->adbc, expected);
    (void)snprintf(expected, sizeof expected, "sqlite:%s/p.db", folder);
    assert_string_equal(source->uri, expected);
    (void)snprintf(expected, sizeof expected, "%s/x/*.parquet", folder);
    assert_string_equal(config_words_of(&config, "b")->source->uri, expected);
    source = config_words_of(&config, "c")->source;
    (void)snprintf(expected, sizeof expected, "%s/pg", folder);
    assert_string_equal(source->uri_file, expected);
    assert_string_equal(source->options[0], "a=b=c");
    assert_string_equal(config_words_of(&config, "d")->source->uri, "postgresql://u@h/d");
    config_release(&config);
    status = load(&config, SOURCE("adbc: d.so, uri_file: $CREDENTIALS_DIRECTORY/pg, table: t", ""),
                  &err);
    assert_ok(status);
    assert_string_equal(config_words_of(&config, "x")->source->uri_file,
                        "$CREDENTIALS_DIRECTORY/pg");
    config_release(&config);
}

static void test_errors_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *parts[2];
    } cases[] = {
        {HEAD "polcy:\n  min_rows: 1\n", {"polcy", "line: 4"}},
        {HEAD "policy:\n  min_rws: 1\n", {"min_rws", "line: 5"}},
        {HEAD "policy:\n  min_rows: many\n", {"many", "line: 5"}},
        {HEAD "policy:\n  min_rows: -1\n", {"-1", "line: 5"}},
        {HEAD "api: 6700\n", {"line: 4", ""}},
        {HEAD "rows_memory_mb: 1048577\n", {"rows_memory_mb: expected 0 to 1048576", ""}},
        {HEAD "rows_memory_mb: -1\n", {"-1", "line: 4"}},
        {"name: alpha\nidentity: k\n", {"state_dir", ""}},
        {"", {"empty", ""}},
        {HEAD "peers:\n  - name: [\n", {"node.yaml", ""}},
        {HEAD "api:\n  listen: localhost:6700\n", {"api.listen \"localhost:6700\"", "numeric"}},
        {HEAD "api:\n  listen: 127.0.0.1\n", {"api.listen", "port"}},
        {HEAD "api:\n  listen: \"127.0.0.1:65536\"\n", {"api.listen", "port"}},
        {HEAD "api:\n  listen: \"0.0.0.0:6700\"\n", {"not loopback", "tls_cert"}},
        {HEAD "api:\n  tls_cert: c.pem\n", {"tls_key", "together"}},
        {HEAD "peer:\n  token_file: t\n", {"peer.token_file", ""}},
        {HEAD "peers:\n  - {name: b, key: abc}\n", {"peer b: key", "64"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"beta:1\"}\n", {"url", "http://"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"https://6701\"}\n", {"url", "host's"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"http://b:0\"}\n", {"url", "port"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"http://b:1?x\"}\n", {"url", "host's"}},
        {HEAD "peer:\n  url: \"acorn.example:6701\"\n", {"peer.url", "https://"}},
        {HEAD "peer:\n  url: \"https://6701\"\n", {"peer.url \"https://6701\"", "host's"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"http://" TEXT_400 "\"}\n",
         {"url", "400"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A "}\n  - {name: c, key: " KEY_A "}\n",
         {"b and c", "one key"}},
        {HEAD "peers:\n  - {name: alpha, key: " KEY_A "}\n", {"two nodes named alpha", ""}},
        {HEAD "policy:\n  ask: [delta]\n", {"policy.ask", "delta"}},
        {HEAD "policy:\n  profile: any\n", {"policy.profile", "safe or open"}},
        {HEAD "policy:\n  dominance: 101\n", {"line 5: policy.dominance", "0 to 100"}},
        {HEAD "policy:\n  min_rows: 65537\n", {"line 5: policy.min_rows", "65536 at most"}},
        {HEAD "policy:\n  expressions: any\n", {"expressions", "line: 5"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [\"../x.csv\"]\n", {"policy.datasets", "../x"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [/etc/passwd]\n", {"policy.datasets", "/etc"}},
        {HEAD "policy:\n  datasets: [x.csv]\n", {"no data_dir", ""}},
        {HEAD "policy:\n  min_rws: 1\n", {"did you mean \"min_rows\"", "line: 5"}},
        {HEAD "policy:\n  # profile: open\n  profile: all\n", {"line 6", "open"}},
        {HEAD "policy:\n  approve: yes\n", {"line 5: policy.approve", "automatic or manual"}},
        {HEAD "policy:\n  results: all\n", {"line 5: policy.results", "participants"}},
        {HEAD "policy:\n  exact: maybe\n", {"maybe", "line 5: policy.exact"}},
        {HEAD "policy:\n  transcripts: yes\n", {"line 5: policy.transcripts", "drop or keep"}},
        {HEAD "policy:\n  confirm: maybe\n", {"line 5: policy.confirm", "false or true"}},
        {HEAD "policy:\n  verify: always\n", {"line 5: policy.verify", "allow or require"}},
        {HEAD "policy:\n  quantiles: yes\n", {"line 5: policy.quantiles", "guarded or exact"}},
        {HEAD "policy:\n  code: any\n", {"line 5: policy.code", "deny or approved"}},
        {HEAD "policy:\n  extremes: all\n", {"line 5: policy.extremes", "deny, guarded or exact"}},
        {HEAD "policy:\n  rounds: 0\n", {"line 5: policy.rounds: 0", "1 to 260"}},
        {HEAD "policy:\n  rounds: 261\n", {"line 5: policy.rounds", "1 to 260"}},
        {HEAD "policy:\n  with: [b, c]\n", {"line 5: policy.with", "no peer is named \"b\""}},
        {HEAD "policy:\n  budget: 0\n", {"line 5: policy.budget: 0", "per 100 rows"}},
        {HEAD "policy:\n  budget: 20 loose\n", {"line 5: policy.budget: 20 loose", "strict"}},
        {HEAD "policy:\n  approve_days: 0\n", {"line 5: policy.approve_days: 0", "1 to 365"}},
        {HEAD "policy:\n  approve_days: 366\n", {"policy.approve_days: 366", "1 to 365"}},
        {HEAD "policy:\n  refusals: 0\n", {"line 5: policy.refusals: 0", "approve: manual"}},
        {HEAD "policy:\n  min_parties: 1001\n", {"line 5: policy.min_parties", "1000"}},
        {HEAD "policy:\n  colluders: 998\n", {"line 5: policy.colluders", "at most 997"}},
        {HEAD "policy:\n  statistics: [mean, medain, maen]\n", {"medain", "line 5"}},
        {HEAD "policy:\n  statistics: [maen]\n", {"did you mean \"mean\"", "line 5"}},
        {HEAD "policy:\n  columns: [{dataset: x.csv, hide: [a]}]\n",
         {"policy.columns", "policy.datasets does not list \"x.csv\""}},
        {HEAD
         "data_dir: .\npolicy:\n  datasets: [wages.csv]\n  columns: [{dataset: wage.csv, hide: "
         "[a]}]\n",
         {"line 7", "did you mean \"wages.csv\""}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [x.csv]\n  columns: [{dataset: x.csv}]\n",
         {"expected allow, hide, identifiers or multiply", "line 7"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - file: x.csv\n    delimiter: "
              "\"||\"\n",
         {"line 9: files.delimiter", "one character"}},
        {HEAD
         "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - {file: x.csv, decimal: \";\"}\n",
         {"files.decimal", "\",\""}},
        {HEAD
         "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - {file: x.csv, decimal: \",\", "
         "delimiter: \",\"}\n",
         {"files.decimal", "commas can't be both"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - file: x.csv\n"
              "    types: [id=string, pay=decimal]\n",
         {"line 9: files.types", "\"pay=decimal\": expected COLUMN=TYPE with one of"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - file: x.csv\n"
              "    types: [id]\n",
         {"files.types", "COLUMN=TYPE"}},
        {HEAD "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - file: x.csv\n"
              "    types: [id=bool, id=string]\n",
         {"files.types", "each column once"}},
        {HEAD
         "data_dir: .\npolicy:\n  datasets: [x.csv]\nfiles:\n  - file: x.csv\n  - file: x.csv\n",
         {"files", "twice"}},
        {WORKERS("types: [a=bool]"), {"line 10: files.types", "none beside workers"}},
        {WORKERS("complete: [a]"), {"line 10: files.complete", "none beside workers"}},
        {WORKERS("na: [x]"), {"line 10: files.na", "none beside workers"}},
        {WORKERS("source: {uri: x.arrow}"), {"line 10: files.source", "none beside workers"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p.db\"", ""), {"line 9: files.source.table", "one of"}},
        {SOURCE("adbc: d.so, table: t", ""), {"files.source.uri", "uri or uri_file, one of them"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", uri_file: p, table: t", ""), {"uri_file", "one"}},
        {SOURCE("adbc: d.so, uri: \"mysql://S:3CRET@h\", table: t", ""),
         {"files.source.uri", "sqlite:"}},
        {SOURCE("adbc: d.so, uri: \"postgresql://u:3CRET@h/d\", table: t", ""),
         {"line 9: files.source.uri", "no password"}},
        {SOURCE("adbc: d.so, uri: \"postgresql:///d?host=h&password=3CRET\", table: t", ""),
         {"files.source.uri", "no password"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", table: t, options: [\"password=3CRET\"]", ""),
         {"files.source.options", "no password"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", table: t, options: [x]", ""),
         {"files.source.options", "KEY=VALUE"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", query: \"SELECT 1; \"", ""),
         {"files.source.query", "without a semicolon"}},
        {SOURCE("adbc: d.so, uri: \"x/*.parquet\", table: t", ""),
         {"files.source.table", "Parquet"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", table: t, tble: u", ""),
         {"did you mean \"table\"", "line: 9"}},
        {SOURCE("uri: \"sqlite:p\", table: t", ""), {"line 9: files.source.adbc", "the driver"}},
        {SOURCE("adbc: d.so, uri: \"x/*.arrow\"", ""), {"line 9: files.source.adbc", "no driver"}},
        {SOURCE("uri: \"x.arrows\", table: t", ""), {"line 9: files.source.table", "neither"}},
        {SOURCE("uri: \"x.feather\", options: [a=b]", ""), {"files.source.options", "none"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", table: t", "    na: [x]\n"),
         {"line 10: files.na", "cast columns in a view"}},
        {SOURCE("adbc: d.so, uri: \"sqlite:p\", table: t", "    types: [day=dat]\n"),
         {"line 10: files.types", "COLUMN=TYPE"}},
        {HEAD "peers:\n  - {name: b, key: " KEY_A ", url: \"https://x\", pin: abc}\n",
         {"pin", "43"}},
        {HEAD "policy:\n  exact: true\n  exact: false\n", {"already", "line: 5"}},
        {HEAD "data_dir: nowhere\n", {"data_dir", "not a directory: make it"}},
        {HEAD "data_dir: .\npolicy: {min_rows: abc}\n",
         {"expected a whole number, found 'abc'", "'min_rows'"}},
        {HEAD "data_dir: .\npolicy: {min_rows: [1]}\n",
         {"expected a whole number, found a list", "min_rows"}},
        {HEAD "data_dir: .\npolicy: {min_rows: -1}\n",
         {"expected a whole number, found '-1'", "min_rows"}},
        {HEAD "data_dir:\n", {"expected a text, found none", "line: 4"}},
        {HEAD "data_dir: .\nfiles:\n  - {file: x.csv, types: {a: bool}}\n",
         {"expected a list, such as [a, b], found keys and their values", "'types'"}},
        {"name: \"two words\"\nstate_dir: s\nidentity: k\n", {"name \"two words\"", "spaces"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        struct sotto_error err = {0};
        assert_int_not_equal(load(&config, cases[i].text, &err), SOTTO_OK);
        assert_contains(err.text, "node.yaml");
        assert_contains(err.text, cases[i].parts[0]);
        assert_contains(err.text, cases[i].parts[1]);
        assert_null(strstr(err.text, "3CRET"));
    }
    struct config config;
    struct sotto_error err = {0};
    assert_int_equal(config_load(&config, "/nowhere/node.yaml", &err), SOTTO_ERROR_NOT_FOUND);
}

static void test_a_text_that_is_too_long(void **state)
{
    (void)state;
    char text[4200] = HEAD "data_dir: ";
    struct config config;
    struct sotto_error err = {0};
    size_t had = strlen(text);
    memset(text + had, 'a', 4097);
    text[had + 4097] = '\0';
    assert_int_not_equal(load(&config, text, &err), SOTTO_OK);
    assert_contains(err.text, "expected a text of at most 4096 bytes, found a longer one");
}

static void test_safe_file_names(void **state)
{
    (void)state;
    static const char *const good[] = {"wages.csv", "a/b.csv", "..a", "a..b/c", "...", "\xc3\xa9"};
    static const char *const bad[] = {"",    "/etc/passwd", "../x", "a/../x", "a//b", "a/",
                                      "./a", ".",           "..",   "a/..",   "a\nb", "a\x7f"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(config_is_safe_file_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(config_is_safe_file_name(bad[i]));
    }
}

static void expect_refused(const char *data_dir, const char *file, enum sotto_status status)
{
    struct sotto_error err = {0};
    assert_int_equal(dataset_open_beneath(data_dir, file, &err), -1);
    assert_int_equal(err.status, status);
}

static void test_files_are_opened_beneath_data_dir_only(void **state)
{
    (void)state;
    char path[160];
    char data_dir[96];
    struct sotto_error err = {0};
    (void)snprintf(data_dir, sizeof data_dir, "%s/beneath", folder);
    assert_int_equal(mkdir(data_dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/secret.csv", folder);
    write_file(path, "a\n1\n");
    (void)snprintf(path, sizeof path, "%s/inside.csv", data_dir);
    write_file(path, "a\n1\n");
    (void)snprintf(path, sizeof path, "%s/out.csv", data_dir);
    assert_int_equal(symlink("../secret.csv", path), 0);
    (void)snprintf(path, sizeof path, "%s/absolute.csv", data_dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    (void)snprintf(path, sizeof path, "%s/up", data_dir);
    assert_int_equal(symlink("..", path), 0);
    (void)snprintf(path, sizeof path, "%s/proc", data_dir);
    assert_int_equal(symlink("/proc/self/root", path), 0);
    (void)snprintf(path, sizeof path, "%s/link.csv", data_dir);
    assert_int_equal(symlink("inside.csv", path), 0);

    int fd = dataset_open_beneath(data_dir, "inside.csv", &err);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    fd = dataset_open_beneath(data_dir, "link.csv", &err); /* stays inside */
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    expect_refused(data_dir, "../secret.csv", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "/etc/passwd", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "out.csv", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "absolute.csv", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "up/secret.csv", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "proc/etc/passwd", SOTTO_ERROR_REFUSED);
    expect_refused(data_dir, "missing.csv", SOTTO_ERROR_NOT_FOUND);
    expect_refused(data_dir, "inside.csv/x", SOTTO_ERROR_NOT_FOUND);
}

static void test_key_files(void **state)
{
    (void)state;
    char path[96];
    char token[TOKEN_TEXT_BYTES];
    char again[TOKEN_TEXT_BYTES];
    struct sotto_error err = {0};
    struct sotto_key key;
    struct sotto_identity *identity = NULL;
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/node.key", folder);
    assert_int_equal(identity_file_load(path, &identity, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "sotto keygen --out");
    assert_ok(identity_file_create(path, &key, &err));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(identity_file_create(path, &key, &err), SOTTO_ERROR_STATE);
    assert_ok(identity_file_load(path, &identity, &err));
    struct sotto_key loaded = sotto_identity_key(identity);
    assert_true(sotto_key_equal(&loaded, &key));
    sotto_identity_free(identity);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(identity_file_load(path, &identity, &err), SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "chmod 600");
    assert_int_equal(chmod(path, 0600), 0);
    write_file(path, "sotto identity 1 00\n");
    assert_int_equal(identity_file_load(path, &identity, &err), SOTTO_ERROR_INPUT);

    (void)snprintf(path, sizeof path, "%s/token", folder);
    assert_int_equal(token_file_load(path, token, false, &err), SOTTO_ERROR_NOT_FOUND);
    assert_ok(token_file_load(path, token, true, &err));
    assert_ok(token_file_load(path, again, true, &err));
    assert_string_equal(token, again);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(token_file_load(path, token, true, &err), SOTTO_ERROR_REFUSED);
}

/* By libcurl's rules: https://curl.se/docs/manpage.html, "ENVIRONMENT". */
static void test_proxies_of_the_environment(void **state)
{
    (void)state;
    static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                            "HTTP_PROXY", "all_proxy",   "ALL_PROXY",
                                            "no_proxy",   "NO_PROXY"};
    static const struct {
        const char *set[2][2];
        const char *url;
        const char *text;
    } cases[] = {
        {{{"http_proxy", "http://p:9"}},
         "http://a.example:6701",
         " through the proxy http_proxy=http://p:9"},
        {{{"http_proxy", "http://me:secret@p:9"}},
         "http://a.example:1",
         " through the proxy http_proxy=http://p:9"},
        {{{"http_proxy", "me:secret@p:9"}},
         "http://a.example:1",
         " through the proxy http_proxy=p:9"},
        {{{"http_proxy", "http://p:9"}}, "https://a.example:1", ""},
        {{{"HTTP_PROXY", "http://p:9"}}, "http://a.example:1", ""},
        {{{"HTTPS_PROXY", "p:9"}}, "https://a.example", " through the proxy HTTPS_PROXY=p:9"},
        {{{"ALL_PROXY", "socks5h://p:9"}},
         "https://a.example",
         " through the proxy ALL_PROXY=socks5h://p:9"},
        {{{"http_proxy", "p:9"}, {"no_proxy", "b.example, a.example"}}, "http://a.example:1/x", ""},
        {{{"http_proxy", "p:9"}, {"no_proxy", ".example"}}, "http://a.example:1", ""},
        {{{"http_proxy", "p:9"}, {"NO_PROXY", "*"}}, "http://a.example:1", ""},
        {{{"http_proxy", "p:9"}, {"no_proxy", "xa.example,ample"}},
         "http://a.example:1",
         " through the proxy http_proxy=p:9"},
        {{{"http_proxy", "p:9"}, {"no_proxy", "192.0.2.0/24"}}, "http://192.0.2.77:1", ""},
        {{{"http_proxy", "p:9"}, {"no_proxy", "192.0.2.0/28"}},
         "http://192.0.2.77:1",
         " through the proxy http_proxy=p:9"},
        {{{"http_proxy", ""}}, "http://a.example:1", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[PROXY_TEXT_BYTES];
        for (size_t j = 0; j < sizeof variables / sizeof variables[0]; j++) {
            assert_int_equal(unsetenv(variables[j]), 0);
        }
        for (size_t j = 0; j < 2 && cases[i].set[j][0] != NULL; j++) {
            assert_int_equal(setenv(cases[i].set[j][0], cases[i].set[j][1], 1), 0);
        }
        proxy_describe(text, cases[i].url);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_proxies_of_the_environment),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_errors_say_what_and_where),
        cmocka_unit_test(test_a_text_that_is_too_long),
        cmocka_unit_test(test_safe_file_names),
        cmocka_unit_test(test_files_are_opened_beneath_data_dir_only),
        cmocka_unit_test(test_key_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
