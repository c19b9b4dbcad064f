/* SPDX-License-Identifier: Apache-2.0 */
/* Three parties train LeNet, each in its cage with rows of its own, and only sums of their weights
 * are looked at. */
#include "test.h"

#include "cage/cage.h"
#include "files.h"

#include <jansson.h>
#include <math.h>
#include <sotto/alloc.h>
#include <sotto/average.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"
#define PARTIES 3
#define ROUNDS 4
#define PIXELS 144
#define CLASSES 10
#define ROW_BYTES (1 + PIXELS)
#define VALIDATE_ROWS 200
#define PATH_BYTES 192
#define MIB ((uint64_t)1 << 20)
#define MODEL_BYTES_MAX MIB

static const size_t train_rows[PARTIES] = {400, 250, 550};

/* --- Data and bundle --- */

static char folder[] = "/tmp/sotto-runner-XXXXXX";

static void make_path(char out[PATH_BYTES], size_t party, const char *name)
{
    (void)snprintf(out, PATH_BYTES, "%s/%zu%s%s", folder, party, *name != '\0' ? "/" : "", name);
}

/* Rows of a class are its pattern with a third of its pixels drawn anew. */
static void write_rows(const char *path, size_t rows, uint8_t patterns[CLASSES][PIXELS],
                       uint64_t *random)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < rows; i++) {
        uint8_t row[ROW_BYTES];
        row[0] = (uint8_t)test_random_below(random, CLASSES);
        for (size_t k = 0; k < PIXELS; k++) {
            row[1 + k] = test_random_below(random, 3) == 0 ? (uint8_t)test_random_below(random, 256)
                                                           : patterns[row[0]][k];
        }
        assert_int_equal(fwrite(row, 1, ROW_BYTES, file), ROW_BYTES);
    }
    assert_int_equal(fclose(file), 0);
}

static void write_data(void)
{
    static uint8_t patterns[CLASSES][PIXELS];
    uint64_t random = 20;
    for (size_t i = 0; i < CLASSES; i++) {
        for (size_t k = 0; k < PIXELS; k++) {
            patterns[i][k] = test_random_below(&random, 2) == 0 ? 0 : 255;
        }
    }
    for (size_t party = 0; party < PARTIES; party++) {
        char path[PATH_BYTES];
        make_path(path, party, "");
        assert_int_equal(mkdir(path, 0755), 0);
        make_path(path, party, "train");
        write_rows(path, train_rows[party], patterns, &random);
        make_path(path, party, "validate");
        write_rows(path, VALIDATE_ROWS, patterns, &random);
    }
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    static char text[65536];
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void make_bundle(struct sotto_bundle *out, const char *source)
{
    const struct sotto_bundle_manifest manifest = {
        .entry = {"nets.model:LeNet"},
        .datasets = {{"train"}, {"validate"}},
        .datasets_len = 2,
        .is_weighted = true,
        .merge_every = 1,
        .rounds = ROUNDS,
        .validate_every = 1,
        .parameters_max = 100000,
        .range_bits = 5,
        .scale_bits = 30,
        .rows_max = 100000,
        .memory_mib = 4096,
        .round_seconds = 120,
    };
    const struct sotto_bundle_file files[] = {
        {{"nets/__init__.py"}, "", 0},
        {{"nets/model.py"}, source, strlen(source)},
    };
    assert_ok(sotto_bundle_make(out, &manifest, files, 2, NULL));
}

/* --- Runners --- */

/* Of the test that runs: what it leaves because it failed must not fail the next one. */
static struct cage *living[PARTIES];

static int free_living(void **state)
{
    (void)state;
    for (size_t party = 0; party < PARTIES; party++) {
        cage_free(living[party]);
        living[party] = NULL;
    }
    return 0;
}

static struct cage *start(size_t party, const struct sotto_bundle *bundle)
{
    char paths[2][PATH_BYTES];
    struct cage *cage;
    struct sotto_error err = {0};
    make_path(paths[0], party, "train");
    make_path(paths[1], party, "validate");
    const struct cage_dataset datasets[] = {{"train", paths[0]}, {"validate", paths[1]}};
    const struct sotto_bundle_manifest *manifest = &bundle->manifest;
    const struct cage_config config = {
        .fence_path = SOTTO_TEST_FENCE,
        .python_path = PYTHON,
        .runner_path = SOTTO_TEST_SOURCE "/python/sotto/_runner.py",
        .datasets = datasets,
        .datasets_len = 2,
        .limits = {.memory_bytes = (uint64_t)manifest->memory_mib * MIB,
                   .files_bytes = MIB,
                   .output_bytes = MIB,
                   .frame_bytes = MODEL_BYTES_MAX,
                   .cpu_seconds = 600,
                   .wall_seconds = (uint32_t)manifest->round_seconds,
                   .threads = 64},
    };
    if (cage_start(&cage, &config, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    living[party] = cage;
    assert_ok(cage_send(cage, FENCE_FRAME_BYTES, bundle->bytes.data, bundle->bytes.data_bytes));
    return cage;
}

static struct sotto_buffer receive(struct cage *cage, enum fence_frame_kind kind)
{
    struct cage_frame frame = {0};
    struct sotto_error err = {0};
    bool has_frame = false;
    while (!has_frame) {
        if (cage_step(cage, &frame, &has_frame, 1000, &err) != SOTTO_OK) {
            size_t bytes;
            const char *output = cage_output(cage, &bytes);
            print_error("%s\n%.*s\n", err.text, (int)bytes, output);
            fail();
        }
    }
    assert_int_equal(frame.kind, kind);
    return frame.bytes;
}

/* Asks a runner for something with these weights (NULL: none). */
static void ask(struct cage *cage, const char *what, const struct sotto_buffer *weights)
{
    assert_ok(cage_send(cage, FENCE_FRAME_JSON, what, strlen(what)));
    if (weights != NULL) {
        assert_ok(cage_send(cage, FENCE_FRAME_BYTES, weights->data, weights->data_bytes));
    }
}

/* Of how many rows a runner says that its weights are. */
static uint64_t receive_rows(struct cage *cage)
{
    struct sotto_buffer answer = receive(cage, FENCE_FRAME_JSON);
    json_t *object = json_loadb((const char *)answer.data, answer.data_bytes, 0, NULL);
    assert_non_null(object);
    uint64_t rows = (uint64_t)json_integer_value(json_object_get(object, "rows"));
    json_decref(object);
    sotto_buffer_release(&answer);
    return rows;
}

/* Adds what a runner learned in a round to the sum. */
static void add_update(uint8_t *sum, struct cage *cage, const struct sotto_average *average,
                       const struct sotto_tensors *model, size_t expected_rows)
{
    struct sotto_vector_run runs[SOTTO_AVERAGE_RUNS];
    struct sotto_tensors weights;
    struct sotto_error err = {0};
    size_t clipped = 0;
    uint64_t rows = receive_rows(cage);
    assert_int_equal(rows, expected_rows);
    struct sotto_buffer update = receive(cage, FENCE_FRAME_BYTES);
    uint8_t *vector = sotto_alloc_aligned(sotto_average_bytes(average));
    assert_non_null(vector);
    if (sotto_tensors_read(&weights, update.data, update.data_bytes, model->elements_len, &err) !=
            SOTTO_OK ||
        sotto_average_encode(vector, &clipped, average, &weights, model, rows, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    assert_int_equal(clipped, 0);
    sotto_average_runs(runs, average);
    sotto_vector_add(sum, vector, runs, SOTTO_AVERAGE_RUNS);
    sotto_free(vector);
    sotto_tensors_release(&weights);
    sotto_buffer_release(&update);
}

/* One round: the model out, updates back, their mean is the new model. */
static void run_round(struct sotto_buffer *in_out_model, struct cage *cages[PARTIES],
                      const struct sotto_bundle *bundle)
{
    struct sotto_tensors model;
    struct sotto_average average;
    struct sotto_average_counts counts;
    struct sotto_writer writer;
    assert_ok(
        sotto_tensors_read(&model, in_out_model->data, in_out_model->data_bytes, 100000, NULL));
    assert_ok(sotto_average_init(&average, &bundle->manifest, &model, PARTIES, NULL));
    uint8_t *sum = sotto_alloc_aligned(sotto_average_bytes(&average));
    assert_non_null(sum);
    for (size_t party = 0; party < PARTIES; party++) {
        ask(cages[party], "{\"do\": \"train\", \"measures\": true, \"trains\": true}",
            in_out_model);
    }
    for (size_t party = 0; party < PARTIES; party++) {
        add_update(sum, cages[party], &average, &model, train_rows[party]);
    }
    sotto_writer_init(&writer, MODEL_BYTES_MAX);
    assert_ok(sotto_average_decode(&writer, &counts, &average, sum, &model, PARTIES, NULL));
    assert_int_equal(counts.rows, 400 + 250 + 550);
    sotto_free(sum);
    sotto_tensors_release(&model);
    sotto_buffer_release(in_out_model);
    *in_out_model = (struct sotto_buffer){0};
    in_out_model->data = sotto_writer_take(&writer, &in_out_model->data_bytes);
}

/* What the parties measure in a last round, which does not train. */
static double validate(const struct sotto_buffer *model, struct cage *cages[PARTIES])
{
    double sum = 0;
    for (size_t party = 0; party < PARTIES; party++) {
        struct sotto_tensors given;
        struct sotto_tensors found;
        ask(cages[party], "{\"do\": \"train\", \"measures\": true, \"trains\": false}", model);
        assert_int_equal(receive_rows(cages[party]), train_rows[party]);
        struct sotto_buffer answer = receive(cages[party], FENCE_FRAME_BYTES);
        assert_ok(sotto_tensors_read(&given, model->data, model->data_bytes, 100000, NULL));
        assert_ok(sotto_tensors_read(&found, answer.data, answer.data_bytes, 100000, NULL));
        assert_int_equal(found.tensors_len, given.tensors_len);
        for (size_t i = 0; i < found.tensors_len; i++) {
            const struct sotto_tensor *tensor = &found.tensors[i];
            double value;
            if (strcmp(tensor->name, "validate().accuracy") == 0) {
                memcpy(&value, tensor->data, sizeof value);
                sum += value;
            } else {
                assert_memory_equal(tensor->data, given.tensors[i].data, tensor->data_bytes);
            }
        }
        sotto_tensors_release(&given);
        sotto_tensors_release(&found);
        sotto_buffer_release(&answer);
    }
    return sum / PARTIES;
}

/* What the same rounds give in one process, without cages and sums. */
static double run_centrally(const struct sotto_bundle *bundle)
{
    char path[PATH_BYTES];
    char command[2048];
    double accuracy = NAN;
    make_path(path, 9, "");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bundle->bytes.data, 1, bundle->bytes.data_bytes, file),
                     bundle->bytes.data_bytes);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(command, sizeof command,
                   PYTHON " -B " SOTTO_TEST_SOURCE "/tests/learning/central.py " SOTTO_TEST_SOURCE
                          "/python/sotto %s %d %s/0 %s/1 %s/2",
                   path, ROUNDS, folder, folder, folder);
    FILE *pipe_file = popen(command, "r"); /* NOLINT: a test's own words */
    assert_non_null(pipe_file);
    assert_int_equal(fscanf(pipe_file, "%lf", &accuracy), 1);
    assert_int_equal(pclose(pipe_file), 0);
    assert_int_equal(unlink(path), 0);
    return accuracy;
}

static void test_three_caged_parties_train_lenet(void **state)
{
    (void)state;
    struct sotto_bundle bundle;
    struct cage *cages[PARTIES];
    make_bundle(&bundle, read_text(SOTTO_TEST_SOURCE "/tests/learning/model.py"));
    for (size_t party = 0; party < PARTIES; party++) {
        cages[party] = start(party, &bundle);
    }
    ask(cages[0], "{\"do\": \"weights\"}", NULL);
    struct sotto_buffer model = receive(cages[0], FENCE_FRAME_BYTES);
    double before = validate(&model, cages);
    for (size_t round = 0; round < ROUNDS; round++) {
        run_round(&model, cages, &bundle);
    }
    double after = validate(&model, cages);
    double central = run_centrally(&bundle);
    print_message("accuracy: %.3f at the start, %.3f after %d rounds, %.3f centrally\n", before,
                  after, ROUNDS, central);
    assert_true(before < 0.3 && central >= 0.9);
    assert_true(fabs(after - central) <= 0.01);
    sotto_buffer_release(&model);
    sotto_bundle_release(&bundle);
}

/* What goes wrong in the code of others ends its runner; what else does, tests/learning/ has. */
static void test_an_exception_ends_a_runner(void **state)
{
    (void)state;
    static const char source[] = "class LeNet:\n"
                                 "    def __init__(self):\n"
                                 "        raise KeyError('no column ' + 'train')\n";
    struct sotto_bundle bundle;
    struct sotto_error err = {0};
    struct cage_frame frame = {0};
    bool has_frame = false;
    make_bundle(&bundle, source);
    struct cage *cage = start(0, &bundle);
    enum sotto_status status;
    while ((status = cage_step(cage, &frame, &has_frame, 1000, &err)) == SOTTO_OK) {
        assert_false(has_frame);
    }
    assert_int_equal(status, SOTTO_ERROR_STATE);
    assert_string_equal(err.text, "the runner ended: its output says why");
    size_t bytes;
    const char *output = cage_output(cage, &bytes);
    assert_non_null(memmem(output, bytes, "KeyError: 'no column train'", 27));
    assert_non_null(memmem(output, bytes, "bundle:nets/model.py\", line 3", 29));
    sotto_bundle_release(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_three_caged_parties_train_lenet, free_living),
        cmocka_unit_test_teardown(test_an_exception_ends_a_runner, free_living),
    };
    struct sotto_error err = {0};
    struct cage_standing standing;
    assert_ok(sotto_init());
    const char *missing = cage_probe(&standing, SOTTO_TEST_FENCE, PYTHON, &err) != SOTTO_OK
                              ? err.text
                          : system(PYTHON " -c 'import torch' 2>/dev/null") != 0 /* NOLINT */
                              ? "python3-torch is not installed"
                              : NULL;
    if (missing != NULL) {
        (void)execl(SOTTO_TEST_SKIP, SOTTO_TEST_SKIP, "unit/runner", missing, (char *)NULL);
        return 1;
    }
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    write_data();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t party = 0; party < PARTIES; party++) {
        char path[PATH_BYTES];
        static const char *const names[] = {"train", "validate", ""};
        for (size_t i = 0; i < 3; i++) {
            make_path(path, party, names[i]);
            (void)remove(path);
        }
    }
    return failed + rmdir(folder);
}
