# SPDX-License-Identifier: Apache-2.0
"""libsotto through cffi, in ABI mode: its declarations, where it is found, its errors.

The public headers (sotto/*.h) document every function.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any

from .errors import EngineError, LibraryNotFound

VERSION = (0, 1)

DECLARATIONS = """
const char *sotto_version(void);
const char *sotto_status_name(int status);
struct sotto_error { int status; char text[512]; };
int sotto_init(void);
void sotto_free(void *memory);

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
struct sotto_table;
int sotto_arrow_import(struct sotto_table **out, struct ArrowSchema *schema,
                       struct ArrowArray *array, struct sotto_error *err);
void sotto_table_free(struct sotto_table *table);

struct sotto_csv;
struct sotto_catalogue;
int sotto_csv_open(struct sotto_csv **out, const char *path, const void *options,
                   struct sotto_error *err);
void sotto_csv_close(struct sotto_csv *csv);

struct sotto_plan;
int sotto_plan_parse(struct sotto_plan **out, const void *json, size_t json_bytes,
                     struct sotto_error *err);
void sotto_plan_free(struct sotto_plan *plan);
size_t sotto_plan_datasets_len(const struct sotto_plan *plan);
const char *sotto_plan_dataset_alias(const struct sotto_plan *plan, size_t dataset);

struct sotto_schema_rules { char profile[16]; uint64_t min_rows; uint32_t dominance; };
struct sotto_schema {
    void *fields;
    size_t fields_len;
    void *frame;
    size_t frame_len;
    struct sotto_schema_rules rules;
};
void sotto_schema_release(struct sotto_schema *schema);
int sotto_schema_check_words(const struct sotto_plan *plan, const struct sotto_schema *offer,
                             struct sotto_csv *const *files, struct sotto_error *err);
int sotto_schema_agree(struct sotto_schema *out, const struct sotto_plan *plan,
                       const struct sotto_schema *offers, const char *const *names,
                       size_t offers_len, struct sotto_error *err);

struct sotto_driver;
struct sotto_result_absentee { const char *name; const char *why; };
struct sotto_result_parties {
    uint32_t invited; uint32_t joined; uint32_t survived;
    const char *const *names; size_t names_len;
    const struct sotto_result_absentee *missing; size_t missing_len;
};
int sotto_driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                     const struct sotto_schema *schema, struct sotto_error *err);
void sotto_driver_free(struct sotto_driver *driver);
uint32_t sotto_driver_round(const struct sotto_driver *driver);
size_t sotto_driver_limbs_len(const struct sotto_driver *driver);
int sotto_driver_advance(struct sotto_driver *driver, const uint64_t *limbs, size_t limbs_len,
                         struct sotto_error *err);
struct sotto_source;
int sotto_source_new_file(struct sotto_source **out, struct sotto_csv *file,
                          const struct sotto_catalogue *catalogue, struct sotto_error *err);
int sotto_source_new_table(struct sotto_source **out, const struct sotto_table *table,
                           struct sotto_error *err);
void sotto_source_free(struct sotto_source *source);
int sotto_source_offer(struct sotto_schema *out, const struct sotto_plan *plan,
                       struct sotto_source *const *sources, struct sotto_error *err);
int sotto_driver_contribute(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                            uint8_t *withheld, struct sotto_source *const *sources,
                            const struct sotto_judge *judge, struct sotto_error *err);
int sotto_driver_result(const struct sotto_driver *driver, char **out,
                        const struct sotto_result_parties *parties,
                        const struct sotto_schema *offers, size_t offers_len,
                        struct sotto_error *err);

struct sotto_rules {
    int profile;
    _Bool is_on[8];
    uint64_t min_rows;
    _Bool tells_values;
    int extremes;
    unsigned dominance;
    unsigned budget;
    _Bool charges_rounds;
};
const char *sotto_profile_name(size_t profile);
const char *sotto_rule_code(int rule);
void sotto_rules_init(struct sotto_rules *out, int profile);
struct sotto_schema_rules sotto_rules_offered(const struct sotto_rules *rules);
void sotto_rules_set_min_rows(struct sotto_rules *rules, uint64_t min_rows);
void sotto_rules_set_dominance(struct sotto_rules *rules, unsigned percent);
struct sotto_rehearsal;
int sotto_rehearsal_new(struct sotto_rehearsal **out, const struct sotto_rules *rules,
                        uint64_t seed, struct sotto_error *err);
void sotto_rehearsal_free(struct sotto_rehearsal *rehearsal);
int sotto_rehearsal_contribute(struct sotto_rehearsal *rehearsal, uint64_t *out, size_t limbs_len,
                               const struct sotto_driver *driver, const struct sotto_plan *plan,
                               struct sotto_source *const *sources, struct sotto_error *err);
int sotto_rehearsal_refused(const struct sotto_rehearsal *rehearsal);

struct sotto_simulation_update {
    const void *weights; size_t weights_bytes; uint64_t rows; bool measures; bool trains;
};
struct sotto_buffer { uint8_t *data; size_t data_bytes; void *owners; };
void sotto_buffer_release(struct sotto_buffer *buffer);
struct sotto_round;
struct sotto_part_watch;
const struct sotto_part_watch *sotto_tally_parts(void);
int sotto_ask_read(struct sotto_round **out, uint32_t *out_min_rows, const void *text,
                   size_t text_bytes, struct sotto_error *err);
struct sotto_part_place {
    uint32_t part; uint32_t parts_len; uint32_t min_rows; const char *snapshot;
};
struct sotto_part_bytes { const void *data; size_t data_bytes; const char *name; };
int sotto_round_new(struct sotto_round **out, const void *plan, size_t plan_bytes,
                    struct sotto_error *err);
int sotto_round_read(struct sotto_round **out, const void *plan, size_t plan_bytes,
                     const void *text, size_t text_bytes, struct sotto_error *err);
void sotto_round_free(struct sotto_round *round);
_Bool sotto_round_is_over(const struct sotto_round *round);
int sotto_round_write(const struct sotto_round *round, char **out, struct sotto_error *err);
int sotto_round_part(const struct sotto_round *round, struct sotto_buffer *out,
                     const struct sotto_part_place *place, struct sotto_source *const *sources,
                     const struct sotto_part_watch *watch, struct sotto_error *err);
int sotto_catalogue_part(struct sotto_buffer *out, const struct sotto_part_place *place,
                         struct sotto_source *source, struct sotto_error *err);
int sotto_part_merge(struct sotto_buffer *out, const struct sotto_part_bytes *parts,
                     size_t parts_len, const struct sotto_part_watch *watch,
                     struct sotto_error *err);
int sotto_round_advance(struct sotto_round *round, const struct sotto_part_bytes *party,
                        struct sotto_error *err);
int sotto_round_result(const struct sotto_round *round, char **out, struct sotto_error *err);

struct sotto_simulation {
    const char *plan_json;
    size_t plan_json_bytes;
    struct sotto_csv *const *files;
    const struct sotto_table *const *tables;
    size_t datasets_len;
    size_t parties_len;
    const void *bundle;
    size_t bundle_bytes;
    int (*train)(void *context, size_t party, const void *model, size_t model_bytes,
                 struct sotto_simulation_update *out);
    void *train_context;
    uint64_t seed;
    const struct sotto_rules *rules;
    int *refused;
    void (*log)(void *context, const char *line);
    void *log_context;
};
int sotto_simulate(char **out_result, const struct sotto_simulation *simulation,
                   struct sotto_error *err);

struct sotto_vector_run { uint32_t element_bytes; size_t elements_len; };
struct sotto_graph_terms { int model; uint16_t corrupted_permille; uint16_t dropped_permille; };
struct sotto_graph { uint32_t holders; uint32_t masks; uint32_t threshold; };
struct sotto_fixed { uint32_t element_bytes; int scale_bits; double bound; };
int sotto_fixed_check(const struct sotto_fixed *fixed, uint32_t parties_len,
                      struct sotto_error *err);
int sotto_fixed_encode(uint8_t *out, size_t *out_clipped, const struct sotto_fixed *fixed,
                       const double *values, size_t len, struct sotto_error *err);
void sotto_fixed_decode(double *out, const struct sotto_fixed *fixed, const uint8_t *sum,
                        size_t len);

struct sotto_trial {
    uint32_t parties_len;
    uint32_t min_parties;
    struct sotto_graph_terms graph;
    const struct sotto_vector_run *runs;
    size_t runs_len;
    uint64_t seed;
    bool verifies;
    void (*input)(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes);
    int (*leaves)(void *context, uint32_t party);
    void (*tell)(void *context, int step, uint32_t done);
    void *context;
};
struct sotto_trial_cost {
    double party_s;
    double party_max_s;
    double party_cpu_s;
    double aggregator_s;
    double aggregator_cpu_s;
    double party_up_bytes;
    double party_down_bytes;
    double party_group_operations;
    double party_keystream_bytes;
    uint64_t aggregator_group_operations;
    uint64_t aggregator_keystream_bytes;
};
struct sotto_trial_report {
    struct sotto_graph graph;
    uint32_t survivors;
    uint8_t *sum;
    size_t sum_bytes;
    struct sotto_trial_cost steps[4];
    struct sotto_trial_cost total;
    struct sotto_trial_cost verifying;
};
int sotto_trial_run(struct sotto_trial_report *out, const struct sotto_trial *trial,
                    struct sotto_error *err);
void sotto_trial_report_release(struct sotto_trial_report *report);
"""

_FUNCTIONS = re.findall(r"\b(sotto_\w+)\(", DECLARATIONS)
_BUILDS = ("release", "dev", "verify")


def _candidates() -> list[str]:
    if os.environ.get("SOTTO_LIBRARY"):
        return [os.environ["SOTTO_LIBRARY"]]
    here = Path(__file__).resolve()
    built = [here.parent / "lib" / "libsotto.so.0"]  # a wheel's own
    built += [here.parents[2] / "build" / preset / "libsotto.so.0" for preset in _BUILDS]
    return [*(str(path) for path in built if path.is_file()), "libsotto.so.0"]


class Library:
    """The loaded library: `ffi`, `lib`, and calls that raise EngineError."""

    def __init__(self) -> None:
        try:
            import cffi
        except ImportError:
            raise LibraryNotFound(
                "computing on this machine needs the package cffi: "
                "pip install cffi, or the extra `research` of sotto-engine"
            ) from None
        self.ffi = cffi.FFI()
        self.ffi.cdef(DECLARATIONS)
        self.lib = self._open(_candidates())
        if self.lib.sotto_init() != 0:
            raise EngineError("libsotto found no source of randomness on this system")

    def _open(self, candidates: list[str]) -> Any:
        failures = []
        for path in candidates:
            try:
                lib = self.ffi.dlopen(path)
                version = self.text(lib.sotto_version())
            except (OSError, AttributeError) as error:
                failures.append(str(error))
                continue
            missing = [name for name in _FUNCTIONS if not hasattr(lib, name)]
            if version.split(".")[:2] != [str(number) for number in VERSION]:
                raise LibraryNotFound(
                    f"{path} is libsotto {version}, and this package needs "
                    f"{VERSION[0]}.{VERSION[1]}: install them from one release"
                )
            if missing:
                raise LibraryNotFound(
                    f"{path} has no {', '.join(missing)}: it is older than this package; build it "
                    "again (./dev build)"
                )
            return lib
        raise LibraryNotFound(
            "libsotto.so is not there: install the wheel, which brings it, or Debian's libsotto0 "
            "(./dev package in a clone of Sotto makes both), or run ./dev build there and "
            "pip install -e './python[research]', or say where it is in SOTTO_LIBRARY. Tried: "
            + "; ".join(failures)
        )

    def text(self, chars: Any) -> str:
        """A C string."""
        return str(self.ffi.string(chars).decode())

    def call(self, function: str, *arguments: Any) -> None:
        """Calls a function that takes a struct sotto_error last. Raises EngineError."""
        error = self.ffi.new("struct sotto_error *")
        status = getattr(self.lib, function)(*arguments, error)
        if status != 0:
            name = self.text(self.lib.sotto_status_name(status))
            raise EngineError(self.text(error.text) or name, name)


@functools.cache
def library() -> Library:
    """The library, loaded once. Raises LibraryNotFound."""
    return Library()
