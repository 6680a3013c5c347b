/* SPDX-License-Identifier: BSL-1.0
 * model.h - the public message model and the wire: what each layer can carry, conversion both ways, service actions. */
#ifndef SCHAT_TL_MODEL_H
#define SCHAT_TL_MODEL_H

#include "tl.h"

/* layer.c ----------------------------------------------------------------------------------------------------------------- */

/* The layer to state and encode for a peer whose layer is `peer_layer`: 73, 101 or 144 (D-04, L3). */
int32_t schat__layer_for(int32_t peer_layer);
/* 1 when every constructor of the object belongs to the table that a strict reader of `stated` (73, 101, 144) uses (L3): the newest
 * decryptedMessage; documents 7afe8ae2 for 73 and 101, 6abd9782 only for 144; entities by layer; nothing unofficial, nothing of the
 * cloud. */
int schat__layer_allows(const schat__tl_object *object, int32_t stated);
/* The same for one constructor (SCHAT__TL_…) by itself. */
int schat__layer_has(size_t constructor, int32_t stated);

/* The wrapper --------------------------------------------------------------------------------------------------------------- */

typedef struct {
  schat_bytes random_bytes;
  int32_t layer;
  int32_t in_seq_no, out_seq_no; /* as on the wire */
  schat_bytes message;           /* the boxed DecryptedMessage: everything that follows, lawful or not */
} schat__wrapper;

/* Reads the fields of decryptedMessageLayer; the message inside is not looked at (D-03). SCHAT_OK or E_MALFORMED. */
int schat__wrapper_decode(const uint8_t *data, size_t size, schat__wrapper *wrapper);
/* Writes a wrapper around a message of message_size bytes that the caller puts at out + *message_at afterwards (or before: the head's
 * size depends only on random_bytes.size). Returns the whole size; out may be NULL to measure. */
size_t schat__wrapper_encode(const schat__wrapper *wrapper, size_t message_size, uint8_t *out, size_t *message_at);

/* Messages ------------------------------------------------------------------------------------------------------------------ */

typedef enum {
  SCHAT__ACTION_NONE = 0, /* not a service message */
  SCHAT__ACTION_SET_TTL,
  SCHAT__ACTION_READ,
  SCHAT__ACTION_DELETE,
  SCHAT__ACTION_SCREENSHOT,
  SCHAT__ACTION_FLUSH,
  SCHAT__ACTION_RESEND,
  SCHAT__ACTION_NOTIFY_LAYER,
  SCHAT__ACTION_TYPING,
  SCHAT__ACTION_REQUEST_KEY,
  SCHAT__ACTION_ACCEPT_KEY,
  SCHAT__ACTION_ABORT_KEY,
  SCHAT__ACTION_COMMIT_KEY,
  SCHAT__ACTION_NOOP
} schat__action_type;

typedef struct {
  schat__action_type type;
  int64_t random_id;         /* of the service message */
  int32_t ttl;               /* SET_TTL */
  int32_t layer;             /* NOTIFY_LAYER */
  int32_t start, end;        /* RESEND, as on the wire */
  int32_t typing;            /* TYPING: 0 for sendMessageCancelAction, else 1 */
  int64_t exchange_id;       /* …_KEY */
  int64_t key_fingerprint;   /* ACCEPT_KEY, COMMIT_KEY */
  schat_bytes g;             /* REQUEST_KEY: g_a, ACCEPT_KEY: g_b */
  const int64_t *random_ids; /* READ, DELETE, SCREENSHOT */
  size_t random_id_count;
} schat__action;

/* Decodes a boxed DecryptedMessage of any layer (D-05: old forms become the newest). Exactly one of *action (type not NONE) and *message
 * is filled. In messages that do not carry a ttl it is 0. Nothing may follow the object. `size` of message is set.
 * Entities of negative offset or length are left out; a negative ttl or size is 0. SCHAT_OK, E_MALFORMED, E_NOMEM. Pointers live as
 * long as arena and data. */
int schat__message_decode(schat__arena *arena, schat_bytes data, schat_message *message, schat__action *action);

/* Encodes a message for the stated layer (73, 101, 144) at `out`: entities above the layer or never sent are left out; media the layer
 * cannot carry give SCHAT_E_UNSUPPORTED, those that lack key or iv SCHAT_E_INVALID, like a random_id of 0 (D-26) and entities of
 * negative offset or length. ttl is taken as it stands; no_webpage is always set. Members that the form of a medium lacks are not
 * carried: a video's file name, a photo's MIME type.
 * out may be NULL to measure (SCHAT_OK then, too). SCHAT_OK, E_UNSUPPORTED, E_INVALID, E_TOO_LARGE, E_BUFFER, E_NOMEM. */
int schat__message_encode(schat__arena *arena, const schat_message *message, int32_t stated, uint8_t *out, size_t capacity, size_t *size);
/* Encodes decryptedMessageService#73164160 around an action. Statuses as above; a random_id of 0 is E_INVALID. */
int schat__action_encode(schat__arena *arena, const schat__action *action, uint8_t *out, size_t capacity, size_t *size);

/* The ttl of playable media is at least its duration + 1 (D-28); others unchanged; negative is 0. */
int32_t schat__message_ttl(const schat_message *message);
/* 1 when the clock of such a message starts on opening instead of reading: ttl 1..60 on photo, video, round video, voice, or AT_ONCE
 * on anything (D-28). */
int schat__message_starts_on_open(const schat_message *message);

#endif
