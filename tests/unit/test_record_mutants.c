/* SPDX-License-Identifier: BSL-1.0
 * test_record_mutants.c - the last value of every number that a record may hold, and the first that it may not: small changes to the reading
 * of records that no other test would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "chat/chat.h"

#define TIME_MAX (2 * SCHAT__NOW_MAX)
#define SEQ ((int64_t)SCHAT__SEQ_MAX)

/* A number inside a structure, and what is lawful there. */
typedef struct {
  size_t at, size;
  int64_t least, most;
} range;

#define FIELD(type, name, least, most) \
  { offsetof(type, name), sizeof(((type *)0)->name), least, most }

/* A number that the field can hold. */
static int fits(const range *r, int64_t value) {
  if (r->size == 1) return value >= 0 && value <= UINT8_MAX;
  return r->size == 8 || (value >= INT32_MIN && value <= INT32_MAX);
}

static void put(const range *r, void *structure, int64_t value) {
  uint8_t *at = (uint8_t *)structure + r->at;
  const int32_t half = (int32_t)value;
  const uint8_t byte = (uint8_t)value;
  if (r->size == 8)
    memcpy(at, &value, 8);
  else if (r->size == 4)
    memcpy(at, &half, 4);
  else
    memcpy(at, &byte, 1);
}

/* Writes a structure and reads it again. */
typedef int (*round_trip)(void *structure);

static void expect_range(round_trip again, void *structure, size_t size, const range *r) {
  uint8_t kept[2048];
  const int64_t values[] = {r->least - 1, r->least, r->most, r->most == INT64_MAX ? r->most : r->most + 1};
  assert_true(size <= sizeof kept);
  memcpy(kept, structure, size);
  for (size_t i = 0; i < 4; i++) {
    if (!fits(r, values[i])) continue;
    put(r, structure, values[i]);
    const int lawful = values[i] >= r->least && values[i] <= r->most, status = again(structure);
    if (status != (lawful ? SCHAT_OK : SCHAT_E_CORRUPT)) fail_msg("the field at %zu, %lld: %d", r->at, (long long)values[i], status);
    memcpy(structure, kept, size);
  }
}

static uint8_t record[4096];

static schat__reader reader_of(const schat__writer *w) {
  schat__reader r;
  memset(&r, 0, sizeof r);
  assert_true(w->size <= sizeof record);
  r.data = record;
  r.size = w->size;
  return r;
}

static int account_again(void *structure) {
  schat__writer w = {record, sizeof record, 0};
  schat__account read;
  schat__account_write(&w, structure);
  schat__reader r = reader_of(&w);
  return schat__account_read(&r, &read);
}

static void the_clocks_of_an_account(void **state) {
  (void)state;
  static const range ranges[] = {FIELD(schat__account, clock, 1, SCHAT__NOW_MAX), FIELD(schat__account, wall, 1, SCHAT__NOW_MAX)};
  schat__account account;
  memset(&account, 0, sizeof account);
  account.clock = account.wall = 1000;
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) expect_range(account_again, &account, sizeof account, &ranges[i]);
}

static int config_again(void *structure) {
  schat__writer w = {record, sizeof record, 0};
  schat__config read;
  schat__config_write(&w, structure);
  schat__reader r = reader_of(&w);
  return schat__config_read(&r, &read);
}

/* R-DH-02: what no verdict could have been good of is damage, and would let every key exchange fail. */
static void a_group_has_a_lawful_g_and_an_odd_number_of_2048_bits(void **state) {
  (void)state;
  static const range g = FIELD(schat__config, g, 2, 7);
  schat__config config;
  memset(&config, 0, sizeof config);
  config.g = 3;
  config.rules = SCHAT__DH_RULES;
  config.p[0] = 0x80;
  config.p[SCHAT__DH_SIZE - 1] = 1;
  expect_range(config_again, &config, sizeof config, &g);
  config.p[0] = 0x7f;
  assert_int_equal(config_again(&config), SCHAT_E_CORRUPT);
  config.p[0] = 0xff;
  assert_int_equal(config_again(&config), SCHAT_OK);
  config.p[SCHAT__DH_SIZE - 1] = 0xfe;
  assert_int_equal(config_again(&config), SCHAT_E_CORRUPT);
}

static int chat_again(void *structure) {
  schat__writer w = {record, sizeof record, 0};
  schat__chat read;
  memset(&read, 0, sizeof read);
  schat__chat_write(&w, structure);
  schat__reader r = reader_of(&w);
  return schat__chat_read(&r, &read);
}

#define CHAT(name, least, most) FIELD(schat__chat, name, least, most)

static void the_numbers_of_a_chat(void **state) {
  (void)state;
  static const range ranges[] = {
      CHAT(state, 1, SCHAT_STATE_CLOSED), CHAT(abort_pauses, 0, 32),     CHAT(gap_tries, 0, 32),        CHAT(gap_at, 0, TIME_MAX),
      CHAT(abort_at, 0, TIME_MAX),        CHAT(rekey_at, 0, TIME_MAX),   CHAT(discard_at, 0, TIME_MAX), CHAT(accept_at, 0, TIME_MAX),
      CHAT(close_at, 0, TIME_MAX),        CHAT(peer_heard, 0, TIME_MAX), CHAT(out_seq, 0, SEQ + 1),     CHAT(in_seq, 0, SEQ),
      CHAT(in_highest, -1, SEQ),          CHAT(asked_up_to, -1, SEQ),    CHAT(flush_seq, -1, SEQ),      CHAT(new_key_seen, -1, SEQ),
      CHAT(unread_count, 0, SEQ),         CHAT(ttl, 0, INT32_MAX),
  };
  schat__chat chat;
  memset(&chat, 0, sizeof chat);
  chat.state = SCHAT_STATE_READY;
  chat.stated_layer = schat__layer_for(SCHAT_LAYER_DEFAULT);
  chat.in_highest = chat.asked_up_to = chat.flush_seq = chat.new_key_seen = -1;
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) expect_range(chat_again, &chat, sizeof chat, &ranges[i]);
}

static int item_again(void *structure) {
  schat__writer w = {record, sizeof record, 0};
  schat__env env;
  schat__item *read = NULL;
  int64_t key;
  memset(&env, 0, sizeof env);
  schat__item_write(&w, structure);
  const uint32_t kind = schat__item_record(structure, &key);
  schat__reader r = reader_of(&w);
  const int status = schat__item_read(&env, &r, kind, key, &read);
  schat__item_free(&env, read);
  return status;
}

static schat__item item_of(schat__item_kind kind, uint32_t size) {
  static uint8_t data[64];
  schat__item item;
  memset(&item, 0, sizeof item);
  item.kind = (uint8_t)kind;
  item.data = data;
  item.size = size;
  if (kind == SCHAT__OUTBOX) item.u.out.method = SCHAT_REQUEST_SEND_ENCRYPTED;
  if (kind == SCHAT__OUTBOX) item.u.out.random_id = 1;
  if (kind == SCHAT__TIMER) item.u.timer.ttl = 5;
  return item;
}

#define OUT(name, least, most) FIELD(schat__item, u.out.name, least, most)
#define TIMER(name, least, most) FIELD(schat__item, u.timer.name, least, most)

static void the_numbers_of_a_message_of_ours(void **state) {
  (void)state;
  static const range ranges[] = {
      OUT(in_seq, 0, SEQ),        OUT(confirmed, 0, TIME_MAX), OUT(retry_at, 0, TIME_MAX),
      OUT(state, 0, SCHAT__SENT), OUT(unasked, 0, 32),         OUT(method, SCHAT_REQUEST_SEND_ENCRYPTED, SCHAT_REQUEST_SEND_SERVICE),
  };
  schat__item item = item_of(SCHAT__OUTBOX, 32);
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) expect_range(item_again, &item, sizeof item, &ranges[i]);
  for (item.size = 1; item.size <= 64; item.size++) {
    assert_int_equal(item_again(&item), item.size % 16 == 0 ? SCHAT_OK : SCHAT_E_CORRUPT);
  }
}

/* It could not be taken back: no message names 0. */
static void a_message_of_ours_has_a_random_id(void **state) {
  (void)state;
  schat__item item = item_of(SCHAT__OUTBOX, 32);
  item.u.out.random_id = 0;
  assert_int_equal(item_again(&item), SCHAT_E_CORRUPT);
  item.u.out.random_id = INT64_MIN;
  assert_int_equal(item_again(&item), SCHAT_OK);
}

static void the_numbers_of_a_timer(void **state) {
  (void)state;
  static const range ranges[] = {TIMER(state, 0, SCHAT__OPEN), TIMER(ttl, 1, INT32_MAX), TIMER(deadline, 0, TIME_MAX)};
  schat__item item = item_of(SCHAT__TIMER, 0);
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) expect_range(item_again, &item, sizeof item, &ranges[i]);
}

/* A message of nothing counts when it waits for others (D-03); one of ours, or one that came too early, is never empty. */
static void only_what_waits_may_be_empty(void **state) {
  (void)state;
  for (uint32_t size = 0; size <= 16; size += 16) {
    schat__item ours = item_of(SCHAT__OUTBOX, size), waiting = item_of(SCHAT__WAITING, size), early = item_of(SCHAT__EARLY, size);
    assert_int_equal(item_again(&ours), size > 0 ? SCHAT_OK : SCHAT_E_CORRUPT);
    assert_int_equal(item_again(&waiting), SCHAT_OK);
    assert_int_equal(item_again(&early), size > 0 ? SCHAT_OK : SCHAT_E_CORRUPT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clocks_of_an_account),         cmocka_unit_test(the_numbers_of_a_chat),
      cmocka_unit_test(the_numbers_of_a_message_of_ours), cmocka_unit_test(the_numbers_of_a_timer),
      cmocka_unit_test(a_group_has_a_lawful_g_and_an_odd_number_of_2048_bits),
      cmocka_unit_test(a_message_of_ours_has_a_random_id), cmocka_unit_test(only_what_waits_may_be_empty),
  };
  return cmocka_run_group_tests_name("record-mutants", tests, NULL, NULL);
}
