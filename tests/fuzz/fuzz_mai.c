/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as a message file (MAI), read whole under a profile with a plain key. What
 * it gives must be a message that can be fingerprinted, or an error that says what is wrong. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "postoffice/mai.h"

#define LIMIT 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Made once: a root with one message file, which every input overwrites. */
static struct {
    char path[64];
    struct root *root;
    struct profile *profile;
    int fd;
} scene;

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static void remove_scene(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/MAI/MA2/00000062.MAI", scene.path);
    unlink(path);
    snprintf(path, sizeof path, "%s/MAI/MA2", scene.path);
    rmdir(path);
    snprintf(path, sizeof path, "%s/MAI", scene.path);
    rmdir(path);
    snprintf(path, sizeof path, "%s/profile", scene.path);
    unlink(path);
    rmdir(scene.path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char profile[] =
        "profile = fuzz\nverdict = proven\nmai.counter_offset = 0x0B\nmai.counter_order = little\n"
        "mai.field.from = 1\nmai.field.to = 5\nmai.field.cc = 6\nmai.field.date = 2\n"
        "mai.field.subject = 7\nmai.field.attachments = 8\nmai.field.text = 4\n"
        "mai.vendor.priority = 0x34\nmai.address_trailer = 00 80 00 00 40\n"
        "mai.date_form = yyyy-mm-dd hh:mm\nmai.ignored = field:10\natt.cipher = whole\n"
        "cipher.chain = previous-ciphertext-xor\ncipher.period = 4\n"
        "cipher.key[0..3] = 00 00 00 00\ncodepage = 850\n";
    char path[128];
    struct error err;

    (void)argc;
    (void)argv;
    snprintf(scene.path, sizeof scene.path, "/tmp/msmailgw-fuzz-XXXXXX");
    if (mkdtemp(scene.path) == NULL)
        abort();
    atexit(remove_scene);
    snprintf(path, sizeof path, "%s/MAI", scene.path);
    if (mkdir(path, 0700) != 0)
        abort();
    snprintf(path, sizeof path, "%s/MAI/MA2", scene.path);
    if (mkdir(path, 0700) != 0)
        abort();
    snprintf(path, sizeof path, "%s/MAI/MA2/00000062.MAI", scene.path);
    scene.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(path, sizeof path, "%s/profile", scene.path);
    write_text(path, profile);
    if (scene.fd < 0 || root_open(&scene.root, scene.path, &err) != 0 ||
        profile_load(&scene.profile, path, &err) != 0)
        abort();
    return 0;
}

static int seen(void *context, const struct mai_attachment *attachment, struct error *err)
{
    size_t *count = context;

    if (strlen(attachment->id) != 8 || attachment->name_size > MAI_MAX_NAME)
        abort();
    (*count)++;
    if (*count > MESSAGE_MAX_ATTACHMENTS)
        return error_set(err, ERROR_DATA, "", "more than any message has");
    return 0;
}

static void must_say_why(int status, const struct error *err)
{
    if (status != 0 && (err->class == ERROR_NONE || err->text[0] == '\0'))
        abort();
}

static void read_message(struct mai *mai)
{
    struct error err = {0};
    struct message *message;
    uint8_t fingerprint[FINGERPRINT_SIZE];
    uint16_t counter;
    size_t count = 0;

    if (message_new(&message, "N/P", "CP850", &err) != 0)
        abort();
    must_say_why(mai_envelope(mai, message, &err), &err);
    error_clear(&err);
    must_say_why(mai_text(mai, scene.path, LIMIT, &message->text, &err), &err);
    error_clear(&err);
    must_say_why(mai_attachments(mai, seen, &count, &err), &err);
    error_clear(&err);
    must_say_why(mai_counter(mai, &counter, &err), &err);
    if (message_fingerprint(message, fingerprint, &err) != 0)
        abort();
    message_free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mai *mai;
    struct error err = {0};

    if (ftruncate(scene.fd, 0) != 0 || pwrite(scene.fd, data, size, 0) != (ssize_t)size)
        abort();
    if (mai_open(&mai, scene.root, scene.profile, "00000062", O_RDONLY, &err) != 0) {
        must_say_why(-1, &err);
        return 0;
    }
    read_message(mai);
    mai_close(mai);
    return 0;
}
