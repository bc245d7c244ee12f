/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of delivery, asked for with the envelope (RFC 3461). */
#include "config.h"

#include "smtp/client-int.h"

#include <stdio.h>
#include <string.h>

void dsn_xtext(const char *text, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool plain = *at > ' ' && *at < 0x7F && *at != '+' && *at != '=' && *at != '<' &&
                     *at != '>'; /* those may stand there, but not all expect it */

        if (used + (plain ? 1 : 3) >= size) {
            out[0] = '\0';
            return;
        }
        used += (size_t)snprintf(out + used, size - used, plain ? "%c" : "+%02X", *at);
    }
}

void dsn_mail_parameters(const struct smtp_client *client, const struct mail *mail,
                         char out[DSN_SIZE])
{
    out[0] = '\0';
    if (mail->notify && client->caps.dsn)
        snprintf(out, DSN_SIZE, " RET=HDRS%s%s", mail->envelope_id[0] != '\0' ? " ENVID=" : "",
                 mail->envelope_id);
}

void dsn_rcpt_parameters(const struct smtp_client *client, const struct mail *mail,
                         const char *address, char out[DSN_SIZE])
{
    char original[DSN_RECIPIENT_MAX + 1];

    out[0] = '\0';
    if (!mail->notify || !client->caps.dsn)
        return;
    dsn_xtext(address, original, sizeof original);
    snprintf(out, DSN_SIZE, " NOTIFY=SUCCESS,DELAY,FAILURE%s%s",
             original[0] != '\0' ? " ORCPT=rfc822;" : "", original);
}
