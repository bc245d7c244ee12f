/* SPDX-License-Identifier: BSD-2-Clause */
/* Receipts and failure reports of MS Mail as those of mail (RFC 8098, RFC 3464). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"
#include "message/ndrcode.h"

#define FIELD_MAX 900 /* octets of a value: a line, never folded */

/* Fields for programs: ASCII, one line each, whatever a value holds. */
static void field(FILE *out, const char *name, const char *type, const char *value)
{
    size_t length = strnlen(value, FIELD_MAX);

    fprintf(out, "%s: %s", name, type);
    for (size_t i = 0; i < length; i++) {
        unsigned char octet = (unsigned char)value[i];

        if (octet < 0x80)
            fputc(octet >= 0x20 && octet != 0x7F ? octet : ' ', out);
        else if (octet >= 0xC0)
            fputc('?', out); /* one a character */
    }
    fputc('\n', out);
}

/* RFC 8098 has no field for when: these are ours. Without a valid date there is none. */
static int date_field(FILE *out, const struct letter_job *job, const char *name,
                      const struct message_date *date, struct error *err)
{
    char line[DATE_RFC5322_SIZE];

    if (letter_date(job, date, line, err) != 0)
        return -1;
    if (line[0] != '\0')
        field(out, name, "", line);
    return 0;
}

static int write_receipt(FILE *out, const struct letter_job *job, struct error *err)
{
    const struct receipt *receipt = &job->receipt;
    const struct letter_party *reader = &job->letter->parties[0];
    const struct message_address *from = message_from(job->message);

    field(out, "Reporting-UA", "", job->options->domain);
    if (receipt->address[0] != '\0')
        field(out, "Original-Recipient", "x-msmail; ", receipt->address);
    else if (from != NULL)
        field(out, "Original-Recipient", "x-msmail; ", from->text);
    field(out, "Final-Recipient", "rfc822; ", reader->smtp);
    field(out, "Disposition", "manual-action/MDN-sent-automatically; ",
          receipt->deleted ? "deleted" : "displayed");
    return date_field(out, job, "X-MSMail-Sent-Date", &receipt->sent, err) == 0 &&
                   date_field(out, job, "X-MSMail-Read-Date", &receipt->read, err) == 0
               ? 0
               : -1;
}

static void write_bounce(FILE *out, const struct letter_job *job)
{
    const struct bounce *bounce = &job->bounce;
    struct lookup found;
    size_t i;

    field(out, "Reporting-MTA", "x-msmail; ", job->message->postoffice);
    for (i = 0; i < bounce->recipient_count; i++) {
        const struct bounce_recipient *one = &bounce->recipients[i];
        const struct bounce_reason *reason = &bounce->reasons[one->reason];
        const char *name = one->address[0] != '\0' ? one->address : one->name;
        const char *smtp = one->address[0] != '\0' ? letter_smtp(job, one->address, &found) : "";

        fputc('\n', out);
        field(out, "Original-Recipient", "x-msmail; ", name);
        field(out, "Final-Recipient", smtp[0] != '\0' ? "rfc822; " : "x-msmail; ",
              smtp[0] != '\0' ? smtp : name);
        field(out, "Action", "", "failed");
        field(out, "Status", "", ndrcode_status(reason->code));
        field(out, "Diagnostic-Code", "x-msmail; ", reason->text);
    }
}

/* Who gets a report has sent what it speaks of. */
static const char *receiver(const struct letter_job *job)
{
    for (size_t i = 0; i < job->message->address_count; i++) {
        if (job->message->addresses[i].role == ADDRESS_TO)
            return job->message->addresses[i].text;
    }
    return NULL;
}

/* Receipts have no id of what they are about. */
static void ask_read(struct letter_job *job)
{
    const struct receipt *receipt = &job->receipt;

    thread_add_sent(&job->letter->parents, receiver(job), &receipt->sent, receipt->subject);
}

static void ask_failed(struct letter_job *job)
{
    const struct block *original = &job->bounce.original;
    struct thread_keys *parents = &job->letter->parents;

    thread_add_id(parents, original->message_id, original->conversation_id);
    thread_add_sent(parents, receiver(job), &original->date, original->subject);
}

static int write_machine(struct letter_job *job, struct error *err)
{
    size_t size;
    FILE *out = open_memstream(&job->letter->machine, &size);
    int status = 0;

    if (out == NULL)
        return letter_no_memory(err);
    if (job->bounce.found)
        write_bounce(out, job);
    else
        status = write_receipt(out, job, err);
    if (fclose(out) != 0 && status == 0)
        return letter_no_memory(err);
    return status;
}

int letter_read_report(struct letter_job *job, struct error *err)
{
    if (receipt_read(&job->receipt, job->message, &job->block, err) != 0)
        return -1;
    if (job->receipt.form != RECEIPT_NONE)
        return 0;
    if (bounce_read(&job->bounce, job->message, &job->block, err) != 0)
        return -1;
    /* The block of a failure report tells of the message that failed (Q147471). */
    if (job->bounce.found)
        block_clear(&job->block);
    return 0;
}

int letter_fill_report(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    char *sender;

    if (job->receipt.form == RECEIPT_NONE && !job->bounce.found)
        return 0;
    sender = strdup("");
    if (sender == NULL)
        return letter_no_memory(err);
    free(letter->sender);
    letter->sender = sender;
    letter->own.count = 0; /* nobody answers a report */
    letter->report = job->bounce.found ? "delivery-status" : "disposition-notification";
    /* What the block says of a receipt is in no other place (Q118783): it stays in the text. */
    job->block.body = 0;
    if (job->bounce.found)
        ask_failed(job);
    else
        ask_read(job);
    return write_machine(job, err);
}
