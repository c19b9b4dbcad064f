/* SPDX-License-Identifier: Apache-2.0 */

/* The outbox of a link against a plain list: whatever is added, acknowledged or late in any order,
 * the same messages are left, in their order, and the counts are right. */

#include "node/peer/outbox.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/random.h>

enum { MESSAGES_MAX = 4000 };

struct expected {
    uint64_t sequence;
    uint64_t deadline_ms;
    size_t bytes;
};

struct model {
    struct expected messages[MESSAGES_MAX];
    size_t first;
    size_t len; /* of all that were added; those from first on are left */
};

static bool add_message(struct outbox *outbox, size_t bytes, uint64_t deadline_ms)
{
    static const uint8_t zeros[64];
    struct sotto_buffer message;
    assert_ok(sotto_buffer_copy(&message, zeros, bytes));
    bool is_added = outbox_add(outbox, &message, deadline_ms);
    assert_true(is_added == (message.data == NULL));
    sotto_buffer_release(&message);
    return is_added;
}

static size_t drop_expected(struct model *model, uint64_t sequence, uint64_t now_ms)
{
    size_t late = 0;
    for (; model->first < model->len; model->first++) {
        const struct expected *expected = &model->messages[model->first];
        if (expected->sequence > sequence && expected->deadline_ms > now_ms) {
            break;
        }
        late += expected->sequence > sequence;
    }
    return late;
}

static void check_outbox(const struct outbox *outbox, const struct model *model)
{
    size_t bytes = 0;
    const struct outgoing *message = outbox->head;
    for (size_t i = model->first; i < model->len; i++) {
        assert_non_null(message);
        assert_int_equal(message->sequence, model->messages[i].sequence);
        assert_int_equal(message->bytes.data_bytes, model->messages[i].bytes);
        bytes += message->bytes.data_bytes;
        message = message->next;
    }
    assert_null(message);
    assert_int_equal(outbox->len, model->len - model->first);
    assert_int_equal(outbox->bytes, bytes);
}

static void test_any_order_leaves_what_a_list_would(void **state)
{
    (void)state;
    static struct model model;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 11, 1);
    struct outbox outbox;
    outbox_init(&outbox);
    for (uint64_t now_ms = 1; model.len < MESSAGES_MAX; now_ms++) {
        uint8_t draw[4];
        assert_ok(random.fill(random.context, draw, sizeof draw));
        if (draw[0] < 192) {
            struct expected *expected = &model.messages[model.len++];
            *expected = (struct expected){model.len, now_ms + draw[1], draw[2] % 64};
            assert_true(add_message(&outbox, expected->bytes, expected->deadline_ms));
        } else {
            uint64_t sequence = draw[3] % 2 == 0 ? 0 : model.first + draw[1] % 4;
            assert_int_equal(outbox_drop(&outbox, sequence, now_ms),
                             drop_expected(&model, sequence, now_ms));
        }
        check_outbox(&outbox, &model);
    }
    outbox_clear(&outbox);
    model.first = model.len;
    check_outbox(&outbox, &model);
}

/* A peer that was restarted gets new messages only: the numbers it acknowledges must not be those
 * of messages that were cleared. */
static void test_numbers_go_on_after_clear(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    assert_true(add_message(&outbox, 1, 10));
    assert_true(add_message(&outbox, 1, 10));
    outbox_clear(&outbox);
    assert_true(add_message(&outbox, 1, 10));
    assert_int_equal(outbox.head->sequence, 3);
    assert_int_equal(outbox_drop(&outbox, 2, 0), 0);
    assert_non_null(outbox.head);
    outbox_clear(&outbox);
}

static void test_a_full_outbox_takes_nothing(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    for (size_t i = 0; i < OUTBOX_LEN_MAX; i++) {
        assert_true(add_message(&outbox, 0, UINT64_MAX));
    }
    assert_false(add_message(&outbox, 0, UINT64_MAX));
    assert_int_equal(outbox_drop(&outbox, 1, 0), 0);
    assert_true(add_message(&outbox, 0, UINT64_MAX));
    outbox_clear(&outbox);
}

static bool allow_none(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    return false;
}

static void test_no_memory_leaves_the_message(void **state)
{
    (void)state;
    struct outbox outbox;
    struct sotto_buffer message;
    outbox_init(&outbox);
    assert_ok(sotto_buffer_copy(&message, "x", 1));
    sotto_alloc_set_hook(allow_none, NULL);
    bool is_added = outbox_add(&outbox, &message, 1);
    sotto_alloc_set_hook(NULL, NULL);
    assert_false(is_added);
    assert_int_equal(message.data_bytes, 1);
    assert_null(outbox.head);
    sotto_buffer_release(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_leaves_what_a_list_would),
        cmocka_unit_test(test_numbers_go_on_after_clear),
        cmocka_unit_test(test_a_full_outbox_takes_nothing),
        cmocka_unit_test(test_no_memory_leaves_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
