/* SPDX-License-Identifier: BSL-1.0
 * puppet.c - see puppet.h. */
#include "puppet.h"

#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"

static void must(int condition) {
  if (!condition) abort();
}

schat__slot *puppet_slot(schat_manager *m, int32_t chat_id) { return schat__table_find(&m->env.table, chat_id); }

puppet *puppet_new(schat_manager *opponent, int32_t chat_id) {
  puppet *p = calloc(1, sizeof *p);
  must(p != NULL && schat__crypto_new(NULL, NULL, NULL, &p->crypto) == SCHAT_OK);
  schat__arena_init(&p->arena, NULL, SIZE_MAX);
  p->chat_id = chat_id;
  p->layer = 144;
  p->random_bytes = 31;
  p->mtproto = 2;
  puppet_follow(p, opponent);
  return p;
}

void puppet_follow(puppet *p, schat_manager *opponent) {
  const schat__chat *chat = &puppet_slot(opponent, p->chat_id)->chat;
  p->originator = !schat__is_originator(chat);
  memcpy(p->key, chat->key, sizeof p->key);
  p->key_fingerprint = chat->key_fingerprint;
  p->out_raw = chat->in_seq;
  p->in_raw = chat->out_seq;
}

void puppet_use_key(puppet *p, const uint8_t key[256]) {
  memcpy(p->key, key, sizeof p->key);
  must(schat__key_fingerprint(p->crypto, p->key, &p->key_fingerprint) == SCHAT_OK);
}

void puppet_forget(puppet *p) { schat__arena_reset(&p->arena); }

void puppet_free(puppet *p) {
  schat__arena_free(&p->arena);
  schat__crypto_free(p->crypto);
  free(p);
}

static uint8_t *seal_v1(puppet *p, schat_bytes object, size_t *size) {
  size_t padded_size = (4 + object.size + 15) / 16 * 16;
  uint8_t *out = calloc(1, 24 + padded_size), *padded = out + 24, aes_key[32], aes_iv[32];
  must(out != NULL);
  schat__store32(padded, (uint32_t)object.size);
  memcpy(padded + 4, object.data, object.size);
  schat__store64(out, (uint64_t)p->key_fingerprint);
  must(schat__msg_key1(p->crypto, out + 8, padded, 4 + object.size) == SCHAT_OK);
  must(schat__kdf1(p->crypto, aes_key, aes_iv, p->key, out + 8, 0) == SCHAT_OK);
  must(schat__ige_encrypt(p->crypto, aes_key, aes_iv, padded, padded, padded_size) == SCHAT_OK);
  *size = 24 + padded_size;
  return out;
}

uint8_t *puppet_seal_object(puppet *p, schat_bytes object, size_t *size) {
  size_t padded_size = schat__padded_size(object.size, 1, 0);
  uint8_t *out;
  if (p->mtproto == 1) return seal_v1(p, object, size);
  out = calloc(1, 24 + padded_size);
  must(out != NULL);
  memcpy(out + 28, object.data, object.size);
  must(schat__pad(p->crypto, out + 24, object.size, padded_size) == SCHAT_OK);
  must(schat__envelope_seal(p->crypto, p->key, p->key_fingerprint, p->originator, out + 24, padded_size, out) == SCHAT_OK);
  *size = 24 + padded_size;
  return out;
}

uint8_t *puppet_seal(puppet *p, int32_t wire_in, int32_t wire_out, schat_bytes message, size_t *size) {
  static const uint8_t noise[256] = {1, 2, 3};
  schat__wrapper w;
  size_t at, total;
  uint8_t *object, *sealed;
  schat_bytes bytes;
  memset(&w, 0, sizeof w);
  w.random_bytes.data = noise;
  w.random_bytes.size = p->random_bytes;
  w.layer = p->layer;
  w.in_seq_no = wire_in;
  w.out_seq_no = wire_out;
  total = schat__wrapper_encode(&w, message.size, NULL, &at);
  object = calloc(1, total);
  must(object != NULL);
  schat__wrapper_encode(&w, message.size, object, &at);
  memcpy(object + at, message.data, message.size);
  bytes.data = object;
  bytes.size = total;
  sealed = puppet_seal_object(p, bytes, size);
  free(object);
  return sealed;
}

int puppet_feed(schat_manager *m, int32_t chat_id, const uint8_t *bytes, size_t size, int64_t now) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  message.chat_id = chat_id;
  message.date = (int32_t)(now / 1000);
  message.bytes.data = bytes;
  message.bytes.size = size;
  return schat_input_message(m, &message, 0, now);
}

int puppet_send_wire(puppet *p, schat_manager *m, int32_t wire_in, int32_t wire_out, schat_bytes message, int64_t now) {
  size_t size;
  uint8_t *sealed = puppet_seal(p, wire_in, wire_out, message, &size);
  int status = puppet_feed(m, p->chat_id, sealed, size, now);
  free(sealed);
  return status;
}

int puppet_send_raw(puppet *p, schat_manager *m, int32_t in_raw, int32_t out_raw, schat_bytes message, int64_t now) {
  return puppet_send_wire(p, m, schat__wire_in(in_raw, p->originator), schat__wire_out(out_raw, p->originator), message, now);
}

int puppet_send(puppet *p, schat_manager *m, schat_bytes message, int64_t now) {
  return puppet_send_raw(p, m, p->in_raw, p->out_raw++, message, now);
}

schat_bytes puppet_text(puppet *p, int64_t random_id, const char *text, int32_t ttl) {
  schat_message message;
  schat_bytes object = {NULL, 0};
  uint8_t *out;
  schat_message_init(&message);
  message.random_id = random_id;
  message.ttl = ttl;
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  must(schat__message_encode(&p->arena, &message, 144, NULL, 0, &object.size) == SCHAT_OK);
  out = schat__arena_take(&p->arena, object.size);
  must(schat__message_encode(&p->arena, &message, 144, out, object.size, &object.size) == SCHAT_OK);
  object.data = out;
  return object;
}

schat_bytes puppet_action(puppet *p, const schat__action *action) {
  schat_bytes object = {NULL, 0};
  size_t capacity = 2048 + 8 * action->random_id_count;
  uint8_t *out = schat__arena_take(&p->arena, capacity);
  schat__action copy = *action;
  if (copy.random_id == 0) copy.random_id = 777;
  must(out != NULL && schat__action_encode(&p->arena, &copy, out, capacity, &object.size) == SCHAT_OK);
  object.data = out;
  return object;
}

int puppet_send_text(puppet *p, schat_manager *m, int64_t random_id, const char *text, int32_t ttl, int64_t now) {
  return puppet_send(p, m, puppet_text(p, random_id, text, ttl), now);
}

int puppet_send_action(puppet *p, schat_manager *m, const schat__action *action, int64_t now) {
  return puppet_send(p, m, puppet_action(p, action), now);
}

int puppet_read(puppet *p, schat_bytes data, puppet_seen *seen) {
  const uint8_t *object;
  size_t object_size;
  uint8_t *work = schat__arena_take(&p->arena, data.size);
  int library_is_originator = !p->originator;
  memset(seen, 0, sizeof *seen);
  must(work != NULL);
  if (schat__envelope_open(p->crypto, p->key, p->key_fingerprint, 2, library_is_originator, data.data, data.size, work, &object,
                           &object_size) != 1) {
    return 0;
  }
  seen->padding = data.size - 24 - 4 - object_size;
  if (schat__wrapper_decode(object, object_size, &seen->wrapper) != SCHAT_OK) return 0;
  seen->out_raw = (seen->wrapper.out_seq_no - schat__wire_out(0, library_is_originator)) / 2;
  seen->in_raw = (seen->wrapper.in_seq_no - schat__wire_in(0, library_is_originator)) / 2;
  SCHAT_INIT(seen->message);
  return schat__message_decode(&p->arena, seen->wrapper.message, &seen->message, &seen->action) == SCHAT_OK;
}

size_t puppet_collect(puppet *p, schat_manager *m, puppet_fn fn, void *arg) {
  schat_effect effect;
  size_t sends = 0;
  SCHAT_INIT(effect);
  while (schat_peek(m, &effect) == SCHAT_OK) {
    const schat_request *r = effect.request;
    if (r != NULL && (r->type == SCHAT_REQUEST_SEND_ENCRYPTED || r->type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE ||
                      r->type == SCHAT_REQUEST_SEND_SERVICE)) {
      puppet_seen seen;
      sends++;
      if (puppet_read(p, r->data, &seen) && fn != NULL) fn(arg, r, &seen);
    }
    schat_pop(m);
  }
  return sends;
}
