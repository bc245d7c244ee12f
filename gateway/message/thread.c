/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MIN 8
#define ID_MAX 255
#define SUBJECT_CHARACTERS 20
#define TEXT_MAX 1024 /* of what a key is made from; no address is as long */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The first octets of SHA-256 over TEXT in upper case. */
static void digest(const char *text, uint8_t out[THREAD_KEY_SIZE])
{
    uint8_t whole[FINGERPRINT_SIZE];
    char folded[TEXT_MAX];
    size_t size = 0;

    while (size < sizeof folded && text[size] != '\0') {
        folded[size] = upper(text[size]);
        size++;
    }
    fingerprint_octets(folded, size, whole);
    memcpy(out, whole, THREAD_KEY_SIZE);
}

static void add(struct thread_keys *keys, const struct thread_key *key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->items[i].key, key->key, THREAD_KEY_SIZE) == 0)
            return;
    }
    if (keys->count < THREAD_KEYS)
        keys->items[keys->count++] = *key;
}

/* ID without blanks around it; false when it tells nothing. */
static bool usable(const char *id, char out[ID_MAX + 1])
{
    size_t size;

    if (id == NULL)
        return false;
    id += strspn(id, " ");
    size = strnlen(id, ID_MAX + 1);
    while (size != 0 && id[size - 1] == ' ')
        size--;
    if (size < ID_MIN || size > ID_MAX || strspn(id, "0") >= size)
        return false;
    memcpy(out, id, size);
    out[size] = '\0';
    return true;
}

void thread_add_id(struct thread_keys *keys, const char *id, const char *conversation)
{
    struct thread_key key = {{0}, {0}};
    char text[ID_MAX + 1], named[ID_MAX + sizeof "id "];

    if (!usable(id, text))
        return;
    snprintf(named, sizeof named, "id %s", text);
    digest(named, key.key);
    if (usable(conversation, text))
        digest(text, key.conversation);
    add(keys, &key);
}

/* Octets of the first SUBJECT_CHARACTERS characters, without blanks at their end. */
static int subject_size(const char *subject)
{
    size_t size = 0, count = 0;

    for (; subject[size] != '\0'; size++) {
        if (((unsigned char)subject[size] & 0xC0) != 0x80 && count++ == SUBJECT_CHARACTERS)
            break;
    }
    while (size != 0 && subject[size - 1] == ' ')
        size--;
    return (int)size;
}

void thread_add_sent(struct thread_keys *keys, const char *address, const struct message_date *date,
                     const char *subject)
{
    struct thread_key key = {{0}, {0}};
    char text[TEXT_MAX];

    if (address == NULL || subject == NULL || !date->set || !message_date_valid(date))
        return;
    subject += strspn(subject, " ");
    snprintf(text, sizeof text, "sent %04d-%02d-%02d %02d:%02d %.*s\n%s", date->year, date->month,
             date->day, date->hour, date->minute, subject_size(subject), subject, address);
    digest(text, key.key);
    add(keys, &key);
}

bool thread_key_matches(const struct thread_key *a, const struct thread_key *b)
{
    static const uint8_t unknown[THREAD_KEY_SIZE];

    return memcmp(a->key, b->key, THREAD_KEY_SIZE) == 0 &&
           (memcmp(a->conversation, b->conversation, THREAD_KEY_SIZE) == 0 ||
            memcmp(a->conversation, unknown, THREAD_KEY_SIZE) == 0 ||
            memcmp(b->conversation, unknown, THREAD_KEY_SIZE) == 0);
}

char *thread_references(const char *references, const char *message_id)
{
    const char *first_end = references + strcspn(references, " "), *rest = first_end;
    size_t count = references[0] != '\0';
    char *out;

    for (const char *at = references; *at != '\0'; at++)
        count += *at == ' ';
    /* One more than there may be: the second ones go. */
    for (; count >= THREAD_REFERENCES && *rest != '\0'; count--)
        rest += 1 + strcspn(rest + 1, " ");
    if (asprintf(&out, "%.*s%s%s%s", (int)(first_end - references), references, rest,
                 references[0] != '\0' ? " " : "", message_id) < 0)
        return NULL;
    return out;
}
