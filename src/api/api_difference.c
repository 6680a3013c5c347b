/* SPDX-License-Identifier: BSL-1.0
 * api_difference.c - reads updates.Difference as far as it holds nothing but secret chats. */
#include "api.h"

#define ID_DIFFERENCE_EMPTY 0x5d75a138u
#define ID_DIFFERENCE 0x00f49ca0u
#define ID_DIFFERENCE_SLICE 0xa8fb1981u
#define ID_DIFFERENCE_TOO_LONG 0x4afe8f6du
#define ID_STATE 0xa56c2a3eu

#define MESSAGE_SIZE_MIN 24u /* encryptedMessageService without bytes */
#define UPDATE_SIZE_MIN 4u

/* Where what is found goes. With both arrays NULL it is only counted, so that nothing is written before all has been read. */
typedef struct {
  schat_chat_update *chats;
  schat_encrypted_message *messages;
  size_t chat_count, message_count;
  int32_t qts, date, more;
  int foreign; /* an object that only the host's parser knows */
} found;

static void add_message(found *f, const schat_encrypted_message *message) {
  if (f->messages != NULL) f->messages[f->message_count] = *message;
  f->message_count++;
}

static void add_chat(found *f, const schat_chat_update *chat) {
  if (f->chats != NULL) f->chats[f->chat_count] = *chat;
  f->chat_count++;
}

static void read_messages(schat__reader *r, found *f) {
  size_t count = schat__api_vector(r, MESSAGE_SIZE_MIN);
  schat_encrypted_message message;
  for (; count != 0 && !r->failed; count--) {
    schat__api_message(r, &message);
    if (!r->failed) add_message(f, &message);
  }
}

static void read_updates(schat__reader *r, found *f) {
  size_t count = schat__api_vector(r, UPDATE_SIZE_MIN);
  schat_update update;
  for (; count != 0 && !r->failed && !f->foreign; count--) {
    if (!schat__api_update(r, &update)) {
      f->foreign = !r->failed;
    } else if (!r->failed && update.type == SCHAT_UPDATE_MESSAGE) {
      add_message(f, &update.message);
    } else if (!r->failed && update.type == SCHAT_UPDATE_CHAT) {
      add_chat(f, &update.chat);
    }
  }
}

/* A vector of cloud objects: must be empty to be read. */
static void read_foreign(schat__reader *r, found *f) {
  if (f->foreign || r->failed) return;
  if (schat__api_vector(r, 4) != 0) f->foreign = 1;
}

static void read_state(schat__reader *r, found *f) {
  if (schat__read32(r) != ID_STATE) r->failed = 1;
  (void)schat__api_int(r); /* pts */
  f->qts = schat__api_int(r);
  f->date = schat__api_int(r);
  (void)schat__api_int(r); /* seq */
  (void)schat__api_int(r); /* unread_count */
}

static void read_full(schat__reader *r, found *f) {
  read_foreign(r, f); /* new_messages */
  if (f->foreign) return;
  read_messages(r, f);
  read_updates(r, f);
  read_foreign(r, f); /* chats */
  read_foreign(r, f); /* users */
  if (!f->foreign) read_state(r, f);
}

static void read_difference(schat__reader *r, found *f) {
  switch (schat__read32(r)) {
    case ID_DIFFERENCE_EMPTY:
      f->date = schat__api_int(r);
      (void)schat__api_int(r); /* seq */
      break;
    case ID_DIFFERENCE_TOO_LONG:
      f->more = 2;
      (void)schat__api_int(r); /* pts */
      break;
    case ID_DIFFERENCE_SLICE:
      f->more = 1;
      read_full(r, f);
      break;
    case ID_DIFFERENCE:
      read_full(r, f);
      break;
    default:
      r->failed = 1;
  }
}

static int read_whole(schat_bytes tl, found *f) {
  schat__reader r;
  if (!schat__api_begin(&r, tl)) return SCHAT_E_MALFORMED;
  read_difference(&r, f);
  if (r.failed) return SCHAT_E_MALFORMED;
  if (f->foreign) return SCHAT_E_UNSUPPORTED;
  return schat__reader_done(&r) ? SCHAT_OK : SCHAT_E_MALFORMED;
}

int schat_api_decode_difference(schat_bytes tl, schat_chat_update *chats, size_t chat_capacity, schat_encrypted_message *messages,
                                size_t message_capacity, schat_difference *difference, int32_t *more) {
  found counted = {0}, kept = {0};
  int status;
  if (difference == NULL || more == NULL) return SCHAT_E_INVALID;
  if ((chats == NULL && chat_capacity != 0) || (messages == NULL && message_capacity != 0)) return SCHAT_E_INVALID;
  if (difference->size != sizeof *difference) return SCHAT_E_ABI;
  status = read_whole(tl, &counted);
  if (status != SCHAT_OK) return status;
  difference->chat_count = counted.chat_count;
  difference->message_count = counted.message_count;
  if (counted.chat_count > chat_capacity || counted.message_count > message_capacity) return SCHAT_E_BUFFER;
  kept.chats = chats;
  kept.messages = messages;
  (void)read_whole(tl, &kept); /* the same bytes: the same verdict */
  difference->chats = chats;
  difference->messages = messages;
  difference->qts = kept.qts;
  difference->date = kept.date;
  *more = kept.more;
  return SCHAT_OK;
}
