/* SPDX-License-Identifier: BSD-2-Clause */
/* Receipts and failure reports of MS Mail as those of mail (RFC 8098, RFC 3464). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/bounce.h"
#include "message/letter-int.h"
#include "message/lookup.h"
#include "message/ndrcode.h"
#include "message/receipt.h"

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

/* The SMTP address for an address of MS Mail; "" when there is none. */
static const char *smtp_of(const struct letter_job *job, const char *address, struct lookup *found)
{
    struct lookup_options options = {
        .map = job->options->map, .domain = job->options->domain, .rules = job->options->rules};

    lookup_header(&options, address, found);
    return found->smtp;
}

static void write_receipt(FILE *out, const struct letter_job *job, const struct receipt *receipt)
{
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
}

static void write_bounce(FILE *out, const struct letter_job *job, const struct bounce *bounce)
{
    struct lookup found;
    size_t i;

    field(out, "Reporting-MTA", "x-msmail; ", job->message->postoffice);
    for (i = 0; i < bounce->recipient_count; i++) {
        const struct bounce_recipient *one = &bounce->recipients[i];
        const char *name = one->address[0] != '\0' ? one->address : one->name;
        const char *smtp = one->address[0] != '\0' ? smtp_of(job, one->address, &found) : "";

        fputc('\n', out);
        field(out, "Original-Recipient", "x-msmail; ", name);
        field(out, "Final-Recipient", smtp[0] != '\0' ? "rfc822; " : "x-msmail; ",
              smtp[0] != '\0' ? smtp : name);
        field(out, "Action", "", "failed");
        field(out, "Status", "", ndrcode_status(bounce->code));
        field(out, "Diagnostic-Code", "x-msmail; ", bounce->text);
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
static void ask_read(struct letter_job *job, const struct receipt *receipt)
{
    thread_add_sent(&job->letter->parents, receiver(job), &receipt->sent, receipt->subject);
}

static void ask_failed(struct letter_job *job, const struct block *original)
{
    struct thread_keys *parents = &job->letter->parents;

    thread_add_id(parents, original->message_id, original->conversation_id);
    thread_add_sent(parents, receiver(job), &original->date, original->subject);
}

static int finish(struct letter_job *job, const struct receipt *receipt,
                  const struct bounce *bounce, struct error *err)
{
    struct letter *letter = job->letter;
    size_t size;
    FILE *out = open_memstream(&letter->machine, &size);
    char *sender;

    if (out == NULL)
        return letter_no_memory(err);
    if (receipt != NULL)
        write_receipt(out, job, receipt);
    else
        write_bounce(out, job, bounce);
    if (fclose(out) != 0)
        return letter_no_memory(err);
    sender = strdup("");
    if (sender == NULL)
        return letter_no_memory(err);
    free(letter->sender);
    letter->sender = sender;
    letter->own.count = 0; /* nobody answers a report */
    letter->report = receipt != NULL ? "disposition-notification" : "delivery-status";
    /* What the block says of a receipt is in no other place (Q118783): it stays in the text. */
    job->block.body = 0;
    return 0;
}

int letter_fill_report(struct letter_job *job, struct error *err)
{
    struct receipt receipt;
    struct bounce bounce;
    int status = 0;

    if (receipt_read(&receipt, job->message, &job->block, err) != 0)
        return -1;
    if (receipt.form != RECEIPT_NONE) {
        ask_read(job, &receipt);
        status = finish(job, &receipt, NULL, err);
    }
    receipt_clear(&receipt);
    if (status != 0 || job->letter->report != NULL)
        return status;
    if (bounce_read(&bounce, job->message, &job->block, err) != 0)
        return -1;
    if (bounce.found) {
        ask_failed(job, &bounce.original);
        status = finish(job, NULL, &bounce, err);
    }
    bounce_clear(&bounce);
    return status;
}
