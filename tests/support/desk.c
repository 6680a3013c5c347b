/* SPDX-License-Identifier: BSL-1.0
 * desk.c - see desk.h. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t prime[256] = {
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73, 0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e,
    0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f, 0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2,
    0x25, 0x30, 0xf4, 0xdb, 0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37, 0x20, 0xfd,
    0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab, 0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84,
    0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64, 0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc,
    0x49, 0x88, 0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4, 0xa4, 0xa6, 0x95, 0x81,
    0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41, 0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14,
    0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54, 0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4, 0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e,
    0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05, 0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c,
    0xe9, 0x29, 0x85, 0x1f, 0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf, 0x6f, 0x4f,
    0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b};

static void must(int condition) {
  if (!condition) abort();
}

const uint8_t *desk_prime(void) {
  return prime;
}

desk *desk_new(uint64_t seed) {
  desk *d = calloc(1, sizeof *d);
  uint8_t mix[256];
  must(d != NULL && schat__crypto_new(NULL, NULL, NULL, &d->crypto) == SCHAT_OK);
  d->w = world_new(seed, 2);
  d->w->peers[0].hold = 1;
  d->own = d->w->peers[0].user_id;
  d->other = d->w->peers[1].user_id;
  d->date = relay_date(d->w->now) - 5;
  memset(mix, (int)(seed & 0xff), sizeof mix);
  must(schat__dh_generate(d->crypto, prime, 3, mix, sizeof mix, d->exponent, d->value) == SCHAT_OK);
  return d;
}

void desk_free(desk *d) {
  world_free(d->w);
  schat__crypto_free(d->crypto);
  free(d);
}

schat_manager *desk_manager(const desk *d) {
  return d->w->peers[0].manager;
}
schat__slot *desk_slot(const desk *d) {
  return puppet_slot(desk_manager(d), d->chat_id);
}

int desk_state(const desk *d) {
  const schat__slot *slot = desk_slot(d);
  return slot == NULL ? SCHAT_STATE_NONE : slot->chat.state;
}

void desk_create(desk *d) {
  d->originator = 1;
  must(schat_chat_create(desk_manager(d), d->other, d->w->now, &d->chat_id) == SCHAT_OK);
  world_drain(d->w, 0);
}

schat_chat_update desk_view(const desk *d, int32_t type) {
  schat_chat_update u;
  SCHAT_INIT(u);
  u.type = type;
  u.chat_id = d->chat_id;
  if (type == SCHAT_CHAT_UPDATE_EMPTY || type == SCHAT_CHAT_UPDATE_DISCARDED) return u;
  u.access_hash = DESK_HASH;
  u.date = d->date;
  u.admin_id = d->originator ? d->own : d->other;
  u.participant_id = d->originator ? d->other : d->own;
  if (type == SCHAT_CHAT_UPDATE_WAITING) return u;
  u.g_a.data = d->value;
  u.g_a.size = sizeof d->value;
  if (type == SCHAT_CHAT_UPDATE_REQUESTED) u.folder_id = DESK_FOLDER;
  if (type == SCHAT_CHAT_UPDATE_CHAT) u.key_fingerprint = d->fingerprint;
  return u;
}

int desk_tell(desk *d, const schat_chat_update *update) {
  int status = schat_input_chat(desk_manager(d), update, d->w->now);
  world_drain(d->w, 0);
  return status;
}

int desk_tell_type(desk *d, int32_t type) {
  schat_chat_update u = desk_view(d, type);
  return desk_tell(d, &u);
}

int desk_invite(desk *d) {
  d->originator = 0;
  if (d->chat_id == 0) d->chat_id = -77;
  return desk_tell_type(d, SCHAT_CHAT_UPDATE_REQUESTED);
}

static uint64_t last_token(const desk *d, int32_t type) {
  const world_request *r = world_last_request(d->w, 0, type);
  return r == NULL ? 0 : r->token;
}

static int answer_with(desk *d, int32_t request_type, const schat_answer *answer) {
  int status = schat_request_done(desk_manager(d), last_token(d, request_type), answer, d->w->now);
  world_drain(d->w, 0);
  return status;
}

int desk_config_with(desk *d, int32_t g, schat_bytes p, int32_t version, schat_bytes random) {
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_DH_CONFIG;
  a.g = g;
  a.p = p;
  a.version = version;
  a.random = random;
  return answer_with(d, SCHAT_REQUEST_GET_DH_CONFIG, &a);
}

static const uint8_t noise[256] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

int desk_config(desk *d) {
  schat_bytes p = {prime, sizeof prime}, random = {noise, sizeof noise};
  return desk_config_with(d, 3, p, 7, random);
}

int desk_not_modified(desk *d) {
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_DH_NOT_MODIFIED;
  a.random.data = noise;
  a.random.size = sizeof noise;
  return answer_with(d, SCHAT_REQUEST_GET_DH_CONFIG, &a);
}

void desk_agree(desk *d) {
  const schat__slot *slot = desk_slot(d);
  must(slot != NULL && slot->secrets != NULL);
  memcpy(d->library, slot->secrets->own, sizeof d->library);
  must(schat__dh_key(d->crypto, prime, d->library, d->exponent, d->key) == SCHAT_OK);
  must(schat__key_fingerprint(d->crypto, d->key, &d->fingerprint) == SCHAT_OK);
}

int desk_answer(desk *d, int32_t request_type, const schat_chat_update *update) {
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_CHAT;
  a.chat = *update;
  return answer_with(d, request_type, &a);
}

int desk_done(desk *d, int32_t request_type) {
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_DONE;
  return answer_with(d, request_type, &a);
}

int desk_fail(desk *d, int32_t request_type, int32_t code, const char *text) {
  int status = schat_request_failed(desk_manager(d), last_token(d, request_type), code, text, d->w->now);
  world_drain(d->w, 0);
  return status;
}

static void begin_as_originator(desk *d, int state) {
  schat_chat_update u;
  desk_create(d);
  must(desk_config(d) == SCHAT_OK);
  desk_agree(d);
  if (state == SCHAT_STATE_REQUESTING) return;
  u = desk_view(d, SCHAT_CHAT_UPDATE_WAITING);
  must(desk_answer(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, &u) == SCHAT_OK);
  if (state == SCHAT_STATE_WAITING_PEER) return;
  must(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT) == SCHAT_OK);
}

static void begin_as_acceptor(desk *d, int state) {
  schat_chat_update u;
  must(desk_invite(d) == SCHAT_OK);
  if (state == SCHAT_STATE_INVITED) return;
  must(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now) == SCHAT_OK);
  world_drain(d->w, 0);
  must(desk_config(d) == SCHAT_OK);
  desk_agree(d);
  if (state == SCHAT_STATE_ACCEPTING) return;
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  must(desk_answer(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, &u) == SCHAT_OK);
}

void desk_begin(desk *d, int originator, int state) {
  if (originator) {
    begin_as_originator(d, state);
  } else {
    begin_as_acceptor(d, state);
  }
  must(desk_state(d) == state);
}

uint8_t *desk_text(desk *d, int32_t raw, const char *text, size_t *size) {
  puppet p;
  uint8_t *sealed;
  memset(&p, 0, sizeof p);
  p.crypto = d->crypto;
  schat__arena_init(&p.arena, NULL, SIZE_MAX);
  p.originator = !d->originator;
  p.layer = 144;
  p.random_bytes = 31;
  p.mtproto = 2;
  memcpy(p.key, d->key, sizeof p.key);
  p.key_fingerprint = d->fingerprint;
  sealed = puppet_seal(&p, schat__wire_in(0, p.originator), schat__wire_out(raw, p.originator), puppet_text(&p, 1000 + raw, text, 0), size);
  schat__arena_free(&p.arena);
  return sealed;
}

int desk_message(desk *d, const uint8_t *bytes, size_t size, int32_t qts) {
  schat_encrypted_message m;
  int status;
  SCHAT_INIT(m);
  m.chat_id = d->chat_id;
  m.date = relay_date(d->w->now);
  m.random_id = 1;
  m.bytes.data = bytes;
  m.bytes.size = size;
  status = schat_input_message(desk_manager(d), &m, qts, d->w->now);
  world_drain(d->w, 0);
  return status;
}

memstore *desk_image(const desk *d) {
  return world_image(d->w, 0);
}

void desk_rewind(desk *d, const memstore *image) {
  world_peer *peer = &d->w->peers[0];
  memstore *old = peer->store;
  peer->store = memstore_clone(image);
  world_restart(d->w, 0, 0); /* the closing one still writes to the old store */
  memstore_free(old);
  world_drain(d->w, 0);
}

int desk_unchanged(const desk *d, const memstore *image, const schat__chat *before) {
  const schat__slot *slot = desk_slot(d);
  return slot != NULL && memcmp(&slot->chat, before, sizeof *before) == 0 && memstore_equal(d->w->peers[0].store, image);
}

int desk_reopen(desk *d, const desk_parts *parts) {
  world_peer *peer = &d->w->peers[0];
  schat_manager *opened = NULL;
  schat_host host;
  schat_config config;
  int status;
  schat_close(peer->manager);
  peer->manager = NULL;
  SCHAT_INIT(host);
  host.user_data = parts->random_data;
  host.random = parts->random;
  host.log = parts->log;
  SCHAT_INIT(config);
  config.store = memstore_store(peer->store);
  config.host = &host;
  config.policy = &peer->policy;
  config.allocator = parts->allocator;
  config.storage_key = world_storage_key();
  config.user_id = parts->user_id;
  status = schat_open(&config, d->w->now, &opened);
  peer->manager = opened;
  if (status >= 0) world_drain(d->w, 0);
  return status;
}
