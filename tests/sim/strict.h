/* SPDX-License-Identifier: BSL-1.0
 * strict.h - one chat as the strictest peer sees it (D-37): says which rule a message of the library breaks.
 *
 * Pure: it is told of plaintexts, in order, and knows no key and nothing of the library. The library's messages are told in the order it
 * sends them, repeats too; the peer's when the peer sends them first. A message of the peer may be under way when the library sends. */
#ifndef TESTS_SIM_STRICT_H
#define TESTS_SIM_STRICT_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

typedef struct strict strict;

typedef enum strict_rule {
  STRICT_OK = 0,
  STRICT_VERSION,       /* MTProto 1 */
  STRICT_PADDING,       /* not 12 to 1,024 bytes */
  STRICT_TL,            /* not the canonical form of a known object, or bytes after it */
  STRICT_RANDOM_BYTES,  /* fewer than 15 */
  STRICT_LAYER,         /* stated layer other than 73, 101, 144, or constructors it lacks */
  STRICT_LAYER_FELL,    /* lower than in a message before */
  STRICT_PARITY,        /* of in_seq_no or out_seq_no */
  STRICT_OUT_SEQ_NO,    /* a number left out */
  STRICT_IN_SEQ_NO,     /* lower than before, or more than the peer has sent */
  STRICT_REPEAT,        /* a message sent again with other numbers, another layer or other content */
  STRICT_RESEND_ACKED,  /* asks for a message that it has acknowledged */
  STRICT_RESEND_UNSENT, /* asks for a message that the peer has not sent */
  STRICT_RESEND_RANGE,  /* parity, order, or more than 1,000 messages */
  STRICT_REQUEST_KEY,   /* while an exchange is open, or an exchange_id again */
  STRICT_ACCEPT_KEY,    /* for an exchange that is not the peer's, not open, or accepted before */
  STRICT_COMMIT_KEY,    /* for an exchange the peer has not accepted, or committed before */
  STRICT_ABORT_KEY,     /* for an exchange the peer does not have, or after its AcceptKey */
  STRICT_RANDOM_ID,     /* 0, or that of another message */
  STRICT_RULES
} strict_rule;

const char *strict_text(strict_rule rule);

/* The opened message. made: when its sender made it, UTC in milliseconds, from which D-20 counts; random_id: of the request, 0 where it is not known. */
typedef struct strict_message {
  int mtproto;
  size_t padding;
  schat_bytes object;
  int64_t random_id;
  int64_t made;
} strict_message;

strict *strict_new(int library_is_originator);
void strict_free(strict *s);
/* The library sends. The first rule it breaks; the checker goes on as if it had not. */
strict_rule strict_library(strict *s, const strict_message *message);
/* The peer sends, lawfully or not: noted, never judged. */
void strict_peer(strict *s, const strict_message *message);

#endif
