/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of MS Mail's failure texts, and the status codes of RFC 3463 that mean the same. */
#ifndef MESSAGE_NDRCODE_H
#define MESSAGE_NDRCODE_H

/* Status of "[NNN]"; "5.0.0" for one that is not known. A report is final: never "4.y.z". */
const char *ndrcode_status(unsigned code);

/* The number for STATUS (class 4 or 5): 5 for those that no text of MS Mail fits. */
unsigned ndrcode_of_status(const char *status);

/* The words MS Mail has for CODE, as printed; NULL for one that is not known. */
const char *ndrcode_text(unsigned code);

#endif
