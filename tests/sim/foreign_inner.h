/* SPDX-License-Identifier: BSL-1.0
 * foreign_inner.h - what a foreign client keeps, and what its files do for one another. */
#ifndef TESTS_SIM_FOREIGN_INNER_H
#define TESTS_SIM_FOREIGN_INNER_H

#include "common/bytes.h"
#include "envelope/envelope.h"
#include "foreign.h"
#include "strict.h"
#include "tl/model.h"

/* Differences between clients ---------------------------------------------------------------------------------------------- */

typedef enum { ASK_FIRST_HOLE_EVER, ASK_EACH_START, ASK_EACH_PASS, ASK_ONE_GAP } ask_habit;  /* S8 */
typedef enum { RESEND_BYTES, RESEND_REBUILT } resend_habit;                                  /* S13 */
typedef enum { TIE_LARGER, TIE_LARGER_ABORTS, TIE_SMALLER_ABORTS } tie_habit;                /* K2 */
typedef enum { BUSY_CLOSES, BUSY_IGNORES, BUSY_REPLACES } busy_habit;                        /* K4 */
typedef enum { OLD_KEY_UNTIL_NEW_SEEN, OLD_KEY_FOR_EVER, OLD_KEY_UNTIL_NEXT } old_key_habit; /* K9 */
typedef enum { PAD_LEAST, PAD_BLOCKS, PAD_BUCKETS } pad_habit;                               /* R3 */

typedef struct {
  const char *name;
  uint32_t policy;
  const foreign_rule *rules;
  int32_t layer;                /* what NotifyLayer says */
  int32_t first_layer;          /* what the wrapper says before the peer's layer is known */
  size_t random_bytes, holders; /* holders 0: no bound */
  pad_habit pad;
  ask_habit ask;
  resend_habit resend;
  tie_habit tie;
  busy_habit busy;
  old_key_habit old_key;
  uint32_t rekey_out, rekey_in, rekey_both; /* uses of a key before RequestKey; 0: does not count */
  unsigned strict : 1;                      /* closes the chat for every violation */
  unsigned strict_layers : 1;               /* a table for each layer, and nothing beyond */
  unsigned in_seq_lags : 1;
  unsigned in_seq_recomputed : 1;
  unsigned new_service_ids : 1;
  unsigned negative_in_seq : 1;
  unsigned checks_random_bytes : 1;
  unsigned checks_parity : 1; /* drops what has the wrong one */
  unsigned holders_in_memory : 1;
  unsigned resend_at_once : 1; /* also behind a gap */
  unsigned resend_can_be_lost : 1;
  unsigned forgets_acked : 1;
  unsigned late_switch : 1;      /* seals with the old key until the peer uses the new one */
  unsigned opens_next : 1;       /* reads the new key before CommitKey */
  unsigned switches_on_use : 1;  /* … and takes it for CommitKey */
  unsigned keeps_unreadable : 1; /* messages of unknown keys, until the key is known */
  unsigned noop : 1;
  unsigned ignores_abort : 1;
  unsigned answers_layer : 1; /* NotifyLayer for NotifyLayer */
  unsigned begins_with_v1 : 1;
  unsigned bad_mac_closes : 1;
} foreign_traits;

const foreign_traits *foreign_traits_of(foreign_profile profile);

/* State -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint8_t key[256];
  int64_t fingerprint;
  int usable; /* the client still has it; the others are for foreign_open_bytes */
} key_slot;

typedef struct {
  int64_t random_id;
  int32_t wire_in, layer;
  int mtproto, service, text, answered, gone; /* gone: acknowledged and forgotten, or its row deleted */
  uint8_t *object, *sealed;                   /* the DecryptedMessage; the encrypted message as first sent */
  size_t object_size, sealed_size;
} out_message;

/* A send on its way or waiting: of message `raw`, as first sealed or as rebuilt for a Resend. */
typedef struct {
  int32_t raw;
  int64_t random_id;
  uint8_t *bytes; /* NULL: as first sealed */
  size_t size;
} send_item;

typedef struct {
  int32_t raw, wire_in, layer;
  int64_t fingerprint, random_id;
  size_t padding;
  int mtproto, resent; /* resent: its Resend has been answered */
  uint8_t *object;     /* with the wrapper */
  size_t object_size;
} holder;

typedef struct {
  uint8_t *bytes;
  size_t size;
  int64_t random_id;
} unreadable;

typedef enum { CHAT_CREATING, CHAT_WAITING, CHAT_INVITED, CHAT_ACCEPTING, CHAT_READY, CHAT_CLOSED } chat_state;
typedef enum { EXCHANGE_NONE, EXCHANGE_REQUESTED, EXCHANGE_ACCEPTED, EXCHANGE_COMMITTED } exchange_state;

typedef struct {
  int32_t chat_id;
  int64_t access_hash, user_id;
  chat_state state;
  int originator, stuck, drawn, discard_due;
  uint8_t exponent[256], own[256], peer[257];
  size_t peer_size;

  /* The request about the chat itself. */
  uint64_t token;
  int32_t asked_type;
  int64_t ask_at; /* again when no answer has come */

  key_slot *keys;
  size_t key_count;
  int current, other, next; /* indices; -1: none */

  out_message *out;
  int32_t out_count, acked;
  send_item *sends;
  size_t send_count;
  uint64_t send_token;
  int64_t send_at; /* no send before; with a token: again then */

  int32_t in_seq; /* of the next message of the peer */
  int32_t last_wire_out;
  holder *held;
  size_t held_count;
  unreadable *kept;
  size_t kept_count;
  int32_t *asked; /* starts that were asked for */
  size_t asked_count;
  int32_t resend_end;
  int32_t pending_first, pending_last; /* a Resend that is not yet a message; first -1: none */
  int64_t pending_at;

  int32_t peer_layer, layer;
  int heard_v2, saw_peer_layer;

  exchange_state exchange;
  int64_t exchange_id;
  uint8_t rekey_exponent[256], rekey_own[256];
  uint32_t used_out, used_in;
  int64_t key_since;
  strict *strict;
} foreign_chat;

struct foreign {
  relay *relay;
  int device;
  int64_t user_id, now;
  foreign_profile profile;
  const foreign_traits *traits;
  uint64_t random, next_token;
  schat__crypto *crypto;
  schat__arena arena;
  foreign_request_fn output;
  void *output_arg;
  int fillers, short_values;

  int g;
  uint8_t p[256];
  int32_t config_version;

  foreign_chat **chats;
  size_t chat_count;
  int32_t qts, date;
  uint64_t difference_token;
  int64_t difference_at, idle_at; /* ask again; ask because nothing has come for long */

  foreign_event *events;
  size_t event_count, event_capacity;
};

/* foreign.c ----------------------------------------------------------------------------------------------------------------- */

void foreign_must(int condition);
uint64_t foreign_draw(foreign *f);
int64_t foreign_draw_id(foreign *f); /* not 0 */
void *foreign_copy(const void *data, size_t size);
/* Room for one more item. */
void *foreign_grown(void *items, size_t count, size_t item_size);
foreign_event *foreign_log(foreign *f, const foreign_chat *c, foreign_event_type type, const char *text);
foreign_chat *foreign_find(const foreign *f, int32_t chat_id);
foreign_chat *foreign_chat_new(foreign *f, int32_t chat_id, int originator);
uint64_t foreign_ask_relay(foreign *f, schat_request *request);
void foreign_request_difference(foreign *f);
void foreign_end(foreign *f, foreign_chat *c, const char *why, int by_us);
void foreign_close(foreign *f, foreign_chat *c, const char *why); /* its own verdict */
int foreign_add_key(foreign *f, foreign_chat *c, const uint8_t key[256]);

/* foreign_dh.c -------------------------------------------------------------------------------------------------------------- */

void foreign_chat_ask(foreign *f, foreign_chat *c); /* the request its state wants */
void foreign_chat_answer(foreign *f, foreign_chat *c, const relay_item *item);
void foreign_chat_update(foreign *f, const schat_chat_update *u);
schat_bytes foreign_trimmed(const uint8_t value[256]); /* H1 */

/* foreign_out.c ------------------------------------------------------------------------------------------------------------- */

void foreign_send_object(foreign *f, foreign_chat *c, schat_bytes object, int64_t random_id, int service, int text);
void foreign_send_action(foreign *f, foreign_chat *c, schat__action *action);
void foreign_pump(foreign *f, foreign_chat *c);
void foreign_send_answer(foreign *f, foreign_chat *c, const relay_item *item);
void foreign_acknowledged(foreign *f, foreign_chat *c, int32_t count);
/* 0: the client closed the chat over it. */
int foreign_resend(foreign *f, foreign_chat *c, int32_t wire_start, int32_t wire_end);
void foreign_forget_out(foreign_chat *c);

/* foreign_in.c -------------------------------------------------------------------------------------------------------------- */

void foreign_receive(foreign *f, foreign_chat *c, schat_bytes bytes, int64_t random_id);
void foreign_retry_unreadable(foreign *f, foreign_chat *c);
void foreign_send_pending_resend(foreign *f, foreign_chat *c);
int foreign_ask_hole(foreign *f, foreign_chat *c, int again);
void foreign_forget_held(foreign_chat *c);

/* foreign_content.c --------------------------------------------------------------------------------------------------------- */

void foreign_content(foreign *f, foreign_chat *c, const holder *h, schat_bytes message);

/* foreign_rekey.c ----------------------------------------------------------------------------------------------------------- */

void foreign_key_action(foreign *f, foreign_chat *c, const schat__action *action);
void foreign_key_used(foreign *f, foreign_chat *c, int slot); /* the peer sealed something with it */
void foreign_rekey_tend(foreign *f, foreign_chat *c);
void foreign_rekey_begin(foreign *f, foreign_chat *c);

#endif
