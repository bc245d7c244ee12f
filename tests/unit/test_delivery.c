/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/delivery.h"

static void fill(struct claim_message *message, uint64_t id, const char *const *addresses,
                 size_t count)
{
    message->id = id;
    message->sender = strdup("");
    message->message_id = strdup("<m@x>");
    message->fingerprint = strdup("");
    message->postoffice = strdup("N/P");
    message->mailbag = strdup("");
    message->mai = strdup("");
    message->recipients = calloc(count, sizeof *message->recipients);
    message->recipient_count = count;
    for (size_t i = 0; i < count; i++) {
        message->recipients[i].id = 10 * id + i;
        message->recipients[i].address = strdup(addresses[i]);
        message->recipients[i].original = strdup("N/P/U");
    }
}

static void equal_addresses_are_one_rcpt(void **state)
{
    static const char *const addresses[] = {"b@x", "a@x", "b@x", "c@x", "a@x"};
    struct claim_message *messages = calloc(1, sizeof *messages);
    struct delivery_list list = {0};
    struct delivery *delivery;
    struct error err;

    (void)state;
    fill(messages, 1, addresses, 5);
    assert_int_equal(delivery_add_claim(&list, messages, 1, &err), 0);
    assert_int_equal(list.count, 1);
    delivery = delivery_take(&list);
    assert_int_equal(delivery->address_count, 3);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(delivery->addresses[delivery->member[i]], addresses[i]);
        assert_false(delivery->settled[i]);
    }
    delivery_free(delivery);
}

static void lists_keep_their_order(void **state)
{
    static const char *const address[] = {"a@x"};
    struct claim_message *messages = calloc(4, sizeof *messages);
    struct delivery_list list = {0}, other = {0};
    struct error err;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        fill(&messages[i], i + 1, address, 1);
    assert_int_equal(delivery_add_claim(&list, messages, 4, &err), 0);
    for (struct delivery *d = list.first; d != NULL; d = d->next)
        d->tag = d->message->id;
    assert_null(delivery_remove(&list, 9));
    delivery_put(&other, delivery_remove(&list, 4));
    delivery_put(&other, delivery_remove(&list, 2));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.first->message->id, 1);
    assert_int_equal(list.last->message->id, 3);
    assert_int_equal(other.first->message->id, 4);
    assert_int_equal(other.last->message->id, 2);
    for (struct delivery *d; (d = delivery_take(&list)) != NULL;)
        delivery_free(d);
    for (struct delivery *d; (d = delivery_take(&other)) != NULL;)
        delivery_free(d);
    assert_int_equal(list.count + other.count, 0);
    assert_null(list.last);
}

static void an_empty_claim_adds_nothing(void **state)
{
    struct delivery_list list = {0};
    struct error err;

    (void)state;
    assert_int_equal(delivery_add_claim(&list, NULL, 0, &err), 0);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_addresses_are_one_rcpt),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(an_empty_claim_adds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
