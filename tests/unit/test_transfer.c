/* SPDX-License-Identifier: BSL-1.0
 * test_transfer.c - files and links on their whole way from one account to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

#define CONTENT 1001u /* not a multiple of 16 */
#define PART 512u

typedef struct {
  uint8_t key[32], iv[32];
  uint8_t cipher[1024];
  size_t size;
  schat_input_file input;
} upload;

/* Encrypts and uploads a file of CONTENT bytes. */
static void make_upload(world *w, size_t p, int64_t id, const uint8_t *content, upload *u) {
  schat_file *file = NULL;
  size_t i, written = 0;
  memset(u, 0, sizeof *u);
  assert_int_equal(schat_file_generate(NULL, NULL, u->key, u->iv), SCHAT_OK);
  assert_int_equal(schat_file_encrypt_begin(NULL, u->key, u->iv, CONTENT, NULL, NULL, &file), SCHAT_OK);
  assert_int_equal(schat_file_update(file, content, CONTENT, u->cipher, &written), SCHAT_OK);
  schat_file_free(file);
  u->size = written;
  assert_int_equal((int64_t)written, schat_file_encrypted_size(CONTENT));
  for (i = 0; i * PART < written; i++) {
    schat_bytes part;
    part.data = u->cipher + i * PART;
    part.size = written - i * PART < PART ? written - i * PART : PART;
    relay_upload_part(w->relay, w->peers[p].device, id, (int32_t)i, part);
  }
  u->input.type = SCHAT_INPUT_FILE_UPLOADED;
  u->input.id = id;
  u->input.parts = (int32_t)i;
  assert_int_equal(schat_file_fingerprint(u->key, u->iv, &u->input.key_fingerprint), SCHAT_OK);
}

static int send_document(world *w, size_t p, int32_t chat_id, const upload *u, const schat_input_file *file) {
  schat_message m;
  schat_message_init(&m);
  m.media.type = SCHAT_MEDIA_DOCUMENT;
  m.media.size = CONTENT;
  m.media.key.data = u->key;
  m.media.key.size = sizeof u->key;
  m.media.iv.data = u->iv;
  m.media.iv.size = sizeof u->iv;
  return schat_send(w->peers[p].manager, chat_id, &m, file, w->now, NULL);
}

static int contains(const uint8_t *in, size_t size, const uint8_t *what, size_t length) {
  size_t i;
  for (i = 0; i + length <= size; i++) {
    if (memcmp(in + i, what, length) == 0) return 1;
  }
  return 0;
}

typedef struct {
  upload *u;
  size_t seen;
} tap;

/* The server sees neither the key of the file nor its IV. */
static void look(void *user_data, const relay_sent *sent) {
  tap *t = user_data;
  t->seen++;
  assert_false(contains(sent->bytes.data, sent->bytes.size, t->u->key, 16));
  assert_false(contains(sent->bytes.data, sent->bytes.size, t->u->iv, 16));
}

typedef struct {
  uint8_t key[32], iv[32];
  int64_t size;
  schat_encrypted_file file;
  int found;
} received;

static void take_document(world *w, size_t p, received *r) {
  schat_effect effect;
  SCHAT_INIT(effect);
  memset(r, 0, sizeof *r);
  while (schat_peek(w->peers[p].manager, &effect) == SCHAT_OK) {
    const schat_event *e = effect.event;
    if (e != NULL && e->type == SCHAT_EVENT_MESSAGE && e->message->media.type == SCHAT_MEDIA_DOCUMENT) {
      assert_int_equal(e->message->media.key.size + e->message->media.iv.size, 64);
      memcpy(r->key, e->message->media.key.data, 32);
      memcpy(r->iv, e->message->media.iv.data, 32);
      r->size = e->message->media.size;
      r->file = e->file;
      r->found = 1;
    }
    schat_pop(w->peers[p].manager);
  }
}

static void deliver_without_draining(world *w, size_t p) {
  const relay_item *item;
  while (relay_poll(w->relay, w->peers[p].device, w->now, &item)) {
    if (item->kind == RELAY_MESSAGE) assert_true(schat_input_message(w->peers[p].manager, &item->message, item->qts, w->now) >= 0);
  }
}

/* R-FILE-01..03, D-30 accept: a file goes round: a key of its own, the fingerprint compared, the tail trimmed, the next file another key.
 * Reject: another fingerprint, a size the ciphertext cannot hold. */
static void a_file_goes_all_the_way(void **state) {
  world *w = world_new(1, 2);
  int32_t id = world_chat(w, 0, 1);
  const schat__chat *chat = &puppet_slot(w->peers[0].manager, id)->chat;
  uint8_t content[CONTENT], plain[1024];
  upload first, second;
  received r;
  tap t;
  schat_file *file = NULL;
  schat_bytes cipher;
  size_t i, written = 0;
  (void)state;
  for (i = 0; i < CONTENT; i++) content[i] = (uint8_t)(i * 7);
  make_upload(w, 0, 501, content, &first);
  make_upload(w, 0, 502, content, &second);
  assert_memory_not_equal(first.key, second.key, 32);
  assert_memory_not_equal(first.iv, second.iv, 32);
  assert_memory_not_equal(first.cipher, second.cipher, CONTENT);
  assert_false(contains(chat->key, sizeof chat->key, first.key, 8)); /* in no way related to the chat's */
  t.u = &first;
  t.seen = 0;
  relay_tap(w->relay, look, &t);
  assert_int_equal(send_document(w, 0, id, &first, &first.input), SCHAT_OK);
  world_deliver(w, 0);
  deliver_without_draining(w, 1);
  take_document(w, 1, &r);
  assert_true(r.found && t.seen == 1);
  assert_memory_equal(r.key, first.key, 32);
  assert_int_equal(r.file.key_fingerprint, first.input.key_fingerprint);
  assert_int_equal(r.size, CONTENT);
  assert_int_equal(relay_file(w->relay, &r.file, &cipher), 1);
  assert_int_equal(cipher.size, first.size);
  assert_int_equal(schat_file_decrypt_begin(NULL, r.key, r.iv, r.size, &r.file, &file), SCHAT_OK);
  assert_int_equal(schat_file_update(file, cipher.data, cipher.size, plain, &written), SCHAT_OK);
  schat_file_free(file);
  assert_int_equal(written, CONTENT);
  assert_memory_equal(plain, content, CONTENT);
  r.file.key_fingerprint ^= 1;
  assert_int_equal(schat_file_decrypt_begin(NULL, r.key, r.iv, r.size, &r.file, &file), SCHAT_E_FINGERPRINT);
  r.file.key_fingerprint ^= 1;
  assert_int_equal(schat_file_decrypt_begin(NULL, r.key, r.iv, r.file.size + 1, &r.file, &file), SCHAT_E_CORRUPT);
  world_free(w);
}

/* D-30: media have a file, and only they do. */
static void a_file_and_its_medium_go_together(void **state) {
  world *w = world_new(2, 2);
  int32_t id = world_chat(w, 0, 1);
  uint8_t content[CONTENT] = {0};
  upload u;
  schat_message text;
  schat_input_file bad;
  (void)state;
  make_upload(w, 0, 503, content, &u);
  assert_int_equal(send_document(w, 0, id, &u, NULL), SCHAT_E_INVALID);
  bad = u.input;
  bad.type = SCHAT_INPUT_FILE_NONE;
  assert_int_equal(send_document(w, 0, id, &u, &bad), SCHAT_E_INVALID);
  bad.type = SCHAT_INPUT_FILE_EXISTING + 1;
  assert_int_equal(send_document(w, 0, id, &u, &bad), SCHAT_E_INVALID);
  schat_message_init(&text);
  text.text.data = (const uint8_t *)"x";
  text.text.size = 1;
  assert_int_equal(schat_send(w->peers[0].manager, id, &text, &u.input, w->now, NULL), SCHAT_E_INVALID);
  assert_int_equal(send_document(w, 0, id, &u, &u.input), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_ENCRYPTED_FILE), 1);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  world_free(w);
}

/* D-33: a page is its address; it is handed over, and nothing is asked of anybody because of it. */
static void a_link_is_only_an_address(void **state) {
  static const char url[] = "https://example.org/page";
  stage *s = stage_new(3, 1, NULL);
  schat_message m;
  uint8_t object[512];
  schat_bytes bytes = {object, 0};
  const world_event *e;
  size_t i;
  (void)state;
  schat_message_init(&m);
  m.random_id = 5;
  m.text.data = (const uint8_t *)"look";
  m.text.size = 4;
  m.media.type = SCHAT_MEDIA_WEB_PAGE;
  m.media.url.data = (const uint8_t *)url;
  m.media.url.size = sizeof url - 1;
  m.ttl = 0;
  assert_int_equal(schat__message_encode(&s->p->arena, &m, 144, object, sizeof object, &bytes.size), SCHAT_OK);
  stage_forget(s);
  assert_int_equal(puppet_send(s->p, stage_manager(s), bytes, s->w->now), SCHAT_OK);
  world_run(s->w);
  world_pass(s->w, 1000);
  e = world_last(s->w, 0, SCHAT_EVENT_MESSAGE);
  assert_non_null(e);
  assert_int_equal(e->media, SCHAT_MEDIA_WEB_PAGE);
  for (i = 0; i < s->w->peers[0].request_count; i++) assert_int_equal(s->w->peers[0].requests[i].type, SCHAT_REQUEST_RECEIVED_QUEUE);
  stage_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_goes_all_the_way),
      cmocka_unit_test(a_file_and_its_medium_go_together),
      cmocka_unit_test(a_link_is_only_an_address),
  };
  return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
