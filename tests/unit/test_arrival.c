/* SPDX-License-Identifier: BSL-1.0
 * test_arrival.c - what an arriving message tells the application, and what is left of one when a cipher, the memory or the store fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"
#include "desk.h"
#include "manager/manager.h"
#include "stage.h"

/* A message of that date, under the puppet's next numbers. */
static int feed_dated(stage *s, schat_bytes boxed, int32_t date) {
  schat_encrypted_message m;
  size_t size;
  uint8_t *sealed = puppet_seal(s->p, schat__wire_in(s->p->in_raw, s->p->originator), schat__wire_out(s->p->out_raw++, s->p->originator),
                                boxed, &size);
  SCHAT_INIT(m);
  m.chat_id = s->chat_id;
  m.date = date;
  m.bytes.data = sealed;
  m.bytes.size = size;
  int status = schat_input_message(stage_manager(s), &m, 0, s->w->now);
  free(sealed);
  world_run(s->w);
  return status;
}

static const world_event *last_message(const stage *s) {
  return world_last(s->w, 0, SCHAT_EVENT_MESSAGE);
}

/* A message rings for five minutes, and keeps the date the server gave it. */
static void a_message_rings_for_five_minutes(void **state) {
  (void)state;
  stage *s = stage_new(201, 1, NULL);
  const int32_t wall = (int32_t)(s->w->now / 1000);
  static const int32_t ages[] = {-10, 0, 299, 300, 301, 86400};
  for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
    assert_int_equal(feed_dated(s, puppet_text(s->p, 1 + (int64_t)i, "text", 0), wall - ages[i]), SCHAT_OK);
    assert_int_equal(last_message(s)->date, wall - ages[i]);
    assert_int_equal(last_message(s)->notify, ages[i] < 300);
    assert_int_equal(last_message(s)->random_id, 1 + (int64_t)i);
  }
  stage_free(s);
}

/* What cannot be read rings too, has a date and a place, and no random_id. */
static void what_cannot_be_read_has_date_and_place_too(void **state) {
  (void)state;
  static const uint8_t unknown[] = {0x11, 0x22, 0x33, 0x44};
  stage *s = stage_new(202, 1, NULL);
  const int32_t wall = (int32_t)(s->w->now / 1000);
  const schat_bytes object = {unknown, sizeof unknown};
  assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  s->p->in_raw = stage_slot(s)->chat.out_seq;
  for (int32_t age = 299; age <= 300; age++) {
    assert_int_equal(feed_dated(s, object, wall - age), SCHAT_UNSUPPORTED_MESSAGE);
    const world_event *event = world_last(s->w, 0, SCHAT_EVENT_UNSUPPORTED);
    assert_int_equal(event->date, wall - age);
    assert_int_equal(event->place, s->p->in_raw);
    assert_int_equal(event->random_id, 0);
    assert_int_equal(event->notify, age < 300);
  }
  stage_free(s);
}

/* Shown after the messages of ours that the peer had seen: none yet is place 0. */
static void a_message_has_its_place_among_ours(void **state) {
  (void)state;
  stage *s = stage_new(203, 1, NULL);
  const int32_t seen = s->p->in_raw;
  assert_int_equal(stage_text(s, 1, "before"), SCHAT_OK);
  assert_int_equal(last_message(s)->place, seen);
  for (int i = 0; i < 3; i++) assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  s->p->in_raw = seen + 2;
  assert_int_equal(stage_text(s, 2, "between"), SCHAT_OK);
  assert_int_equal(last_message(s)->place, seen + 2);
  stage_free(s);
}

/* A digest that fails is a failure of ours, not of the peer: nothing changes, nobody is told, and the message can come again. */
static void a_failing_digest_rejects_no_message(void **state) {
  (void)state;
  stage *s = stage_new(204, 1, NULL);
  schat__crypto *crypto = stage_manager(s)->env.crypto;
  memstore *before = world_image(s->w, 0);
  crypto->sha = NULL; /* libcrypto's digest: a kernel cannot fail */
  EVP_MD *md = crypto->sha256.md;
  assert_int_equal(EVP_MD_CTX_reset(crypto->sha256.ctx), 1);
  crypto->sha256.md = NULL;
  crypto->sha256.ready = 0;
  crypto->sha = NULL; /* the kernels that need no libcrypto cannot fail */
  const int32_t raw = s->p->out_raw;
  assert_int_equal(stage_text_raw(s, s->p->in_raw, raw, 1, "text"), SCHAT_E_CRYPTO);
  assert_int_equal(s->w->peers[0].event_count, 0);
  assert_true(stage_same(before, s->w->peers[0].store));
  crypto->sha256.md = md;
  assert_int_equal(stage_text_raw(s, s->p->in_raw, raw, 1, "text"), SCHAT_OK);
  memstore_free(before);
  stage_free(s);
}

/* A commit that the store refuses takes back what a message had shown of its peer. */
static void a_refused_commit_unlearns_what_the_peer_knows(void **state) {
  (void)state;
  stage *s = stage_new(205, 1, NULL);
  schat__chat *chat = &stage_slot(s)->chat;
  schat__chat before = *chat;
  memstore_fail_commit(s->w->peers[0].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(stage_text_raw(s, s->p->in_raw, s->p->out_raw, 1, "text"), SCHAT_E_STORE);
  assert_memory_equal(&stage_slot(s)->chat, &before, sizeof before);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
  assert_int_equal(stage_text(s, 1, "text"), SCHAT_OK);
  stage_free(s);
}

/* a hundred messages may wait for a key, a mebibyte together, and not one more. */
static void early_messages_fill_a_mebibyte_and_no_more(void **state) {
  (void)state;
  static uint8_t bytes[(1u << 20) + 1];
  desk *d = desk_new(206);
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  bytes[0] = 1;
  assert_int_equal(desk_message(d, bytes, (1u << 20) + 1, 0), SCHAT_REJECTED);
  assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_LIMIT);
  assert_int_equal(desk_message(d, bytes, (1u << 20) - 88, 0), SCHAT_WAITING);
  bytes[0] = 2;
  assert_int_equal(desk_message(d, bytes, 89, 0), SCHAT_REJECTED);
  assert_int_equal(desk_message(d, bytes, 88, 0), SCHAT_WAITING);
  bytes[0] = 3;
  assert_int_equal(desk_message(d, bytes, 88, 0), SCHAT_REJECTED);
  desk_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_rings_for_five_minutes),
      cmocka_unit_test(what_cannot_be_read_has_date_and_place_too),
      cmocka_unit_test(a_message_has_its_place_among_ours),
      cmocka_unit_test(a_failing_digest_rejects_no_message),
      cmocka_unit_test(a_refused_commit_unlearns_what_the_peer_knows),
      cmocka_unit_test(early_messages_fill_a_mebibyte_and_no_more),
  };
  return cmocka_run_group_tests_name("arrival", tests, NULL, NULL);
}
