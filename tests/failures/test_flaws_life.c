/* SPDX-License-Identifier: BSL-1.0
 * test_flaws_life.c - what others left behind or let in: plaintext, keys and files that should be gone, torn stores, chats that come back, media
 * of a hostile peer. failures.tsv lists them all. */
#define _XOPEN_SOURCE 700

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/manager.h"
#include "scratch.h"
#include "secretchat/sqlite.h"
#include "stage.h"
#include "vault.h"

#define CANARY "the canary that nobody but two may read"

static schat_manager *alice(const world *w) {
  return w->peers[0].manager;
}

/* CVE-2014-8688 (Telegram 2.6 for iOS, 1.8.2 for Android): messages of secret chats in clear in a database. At every commit of a conversation
 * the store holds none, sent or received, waiting or deleted. */
static void look_for_it(void *arg, memstore *m, const schat_batch *batch, int stored) {
  size_t *seen = arg;
  (void)batch;
  (void)stored;
  *seen += memstore_find(m, CANARY, sizeof CANARY - 1) + memstore_find(m, CANARY, 16);
}

static void no_store_ever_holds_plaintext(void **state) {
  world *w = world_new(1, 2);
  int32_t id = world_chat(w, 0, 1);
  size_t seen = 0;
  (void)state;
  for (size_t p = 0; p < 2; p++) memstore_on_commit(w->peers[p].store, look_for_it, &seen);
  for (size_t i = 0; i < 10; i++) {
    assert_int_equal(world_text_ttl(w, i % 2, id, CANARY, i % 3 == 0 ? 5 : 0, NULL), SCHAT_OK);
    if (i % 4 == 3) world_run(w);
  }
  world_run(w);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE) + world_count(w, 1, SCHAT_EVENT_MESSAGE), 10);
  assert_int_equal(seen, 0);
  world_free(w);
}

/* CVE-2014-8688, the other half: what was deleted was found in memory. Every block that is given back has been wiped of it. */
typedef struct {
  size_t found;
} collector;

static size_t block_head(void) {
  return 16;
}

static void *take_block(void *user_data, size_t size) {
  uint8_t *block = calloc(1, size + block_head());
  (void)user_data;
  if (block == NULL) return NULL;
  memcpy(block, &size, sizeof size);
  return block + block_head();
}

static void give_block(void *user_data, void *memory) {
  collector *c = user_data;
  uint8_t *block = (uint8_t *)memory - block_head();
  size_t size;
  memcpy(&size, block, sizeof size);
  for (size_t i = 0; i + 16 <= size; i++) c->found += memcmp(block + block_head() + i, CANARY, 16) == 0;
  free(block);
}

static schat_manager *open_with(const world *w, memstore *store, const schat_allocator *allocator) {
  schat_manager *m = NULL;
  schat_config config;
  SCHAT_INIT(config);
  config.store = memstore_store(store);
  config.allocator = allocator;
  config.storage_key = world_storage_key();
  assert_int_equal(schat_open(&config, w->now, &m), SCHAT_OK);
  return m;
}

static void no_memory_is_given_back_with_plaintext(void **state) {
  stage *s = stage_new(2, 1, NULL);
  collector c = {0};
  const schat_allocator allocator = {&c, take_block, give_block};
  memstore *store = world_image(s->w, 0);
  schat_manager *m = open_with(s->w, store, &allocator);
  schat_effect effect;
  int64_t id = 41;
  (void)state;
  SCHAT_INIT(effect);
  assert_int_equal(puppet_send_text(s->p, m, id, CANARY, 0, s->w->now), SCHAT_OK);
  while (schat_peek(m, &effect) == SCHAT_OK) assert_int_equal(schat_pop(m), SCHAT_OK);
  assert_true(schat_messages_delete(m, s->chat_id, &id, 1, 0, s->w->now) >= 0);
  assert_true(schat_chat_discard(m, s->chat_id, 0, s->w->now) >= 0);
  schat_close(m);
  assert_int_equal(c.found, 0);
  memstore_free(store);
  stage_free(s);
}

/* A photo of the peer that lives five seconds from its opening. */
static void receive_photo(stage *s, int64_t random_id) {
  static const uint8_t key[32] = {4};
  schat_bytes object = {NULL, 0};
  schat_message m;
  schat_message_init(&m);
  m.random_id = random_id;
  m.ttl = 5;
  m.media.type = SCHAT_MEDIA_PHOTO;
  m.media.size = 32;
  m.media.key.data = m.media.iv.data = key;
  m.media.key.size = m.media.iv.size = sizeof key;
  assert_int_equal(schat__message_encode(&s->p->arena, &m, 144, NULL, 0, &object.size), SCHAT_OK);
  uint8_t *out = schat__arena_take(&s->p->arena, object.size);
  assert_int_equal(schat__message_encode(&s->p->arena, &m, 144, out, object.size, &object.size), SCHAT_OK);
  object.data = out;
  assert_int_equal(puppet_send(s->p, stage_manager(s), object, s->w->now), SCHAT_OK);
  world_run(s->w);
}

static size_t named(const world *w, int32_t type, int64_t random_id) {
  size_t found = 0;
  for (size_t i = 0; i < w->peers[0].event_count; i++) {
    const world_event *e = &w->peers[0].events[i];
    for (size_t k = 0; e->type == type && k < e->random_id_count; k++) found += e->random_ids[k] == random_id;
  }
  return found;
}

/* CVE-2018-3986 (TALOS-2018-0654): photos stay behind after their time, when the program is not there to remove them. The host is told, until it
 * has heard it, across a crash. */
static void an_ended_photo_is_told_until_it_was_heard(void **state) {
  stage *s = stage_new(3, 1, NULL);
  int64_t id = 43;
  (void)state;
  receive_photo(s, id);
  assert_true(schat_messages_opened(stage_manager(s), s->chat_id, &id, 1, s->w->now) >= 0);
  world_run(s->w);
  world_forget(s->w);
  s->w->now += 6000;
  assert_true(schat_tick(stage_manager(s), s->w->now) >= 0); /* told, and nobody hears it */
  world_restart(s->w, 0, 1);
  world_drain(s->w, 0);
  assert_int_equal(named(s->w, SCHAT_EVENT_EXPIRED, id), 1);
  assert_int_equal(schat__count(stage_slot(s), SCHAT__TIMER), 0);
  stage_free(s);
}

/* CVE-2021-41861 (Telegram 7.5.0 to 7.8.0 for Android): after two to four of them one is shown as ended and stays. CVE-2021-27205 (macOS before
 * 7.4) and CVE-2019-16248 (Android before 5.11): copies and files stay. Every one of nine is named exactly once. */
static void every_one_of_many_ended_photos_is_named(void **state) {
  stage *s = stage_new(4, 1, NULL);
  (void)state;
  for (int64_t id = 100; id < 109; id++) receive_photo(s, id);
  for (int64_t id = 108; id >= 100; id--) { /* opened in another order, at other times */
    assert_true(schat_messages_opened(stage_manager(s), s->chat_id, &id, 1, s->w->now) >= 0);
    world_pass(s->w, id % 3 * 900);
    if (id % 4 == 0) world_restart(s->w, 0, 1);
  }
  world_pass(s->w, 10000);
  for (int64_t id = 100; id < 109; id++) assert_int_equal(named(s->w, SCHAT_EVENT_EXPIRED, id), 1);
  assert_int_equal(schat__count(stage_slot(s), SCHAT__TIMER), 0);
  stage_free(s);
}

/* CVE-2021-27204 (macOS before 7.4): the passcode stood in clear beside what it protects. */
static void the_storage_key_is_in_no_record(void **state) {
  world *w = world_new(5, 2);
  int32_t id = world_chat(w, 0, 1);
  (void)state;
  assert_int_equal(world_text(w, 0, id, "text", NULL), SCHAT_OK);
  world_run(w);
  for (size_t at = 0; at + 8 <= SCHAT_STORAGE_KEY_SIZE; at += 8) {
    assert_int_equal(memstore_find(w->peers[0].store, world_storage_key() + at, 8), 0);
    assert_int_equal(vault_find(w->peers[0].store, world_storage_key() + at, 8), 0);
  }
  vault_close();
  world_free(w);
}

/* CVE-2021-27351: a session that was ended went on. A closed chat takes no message, no update and no command, and its key is gone. */
static void a_closed_chat_takes_nothing_more(void **state) {
  stage *s = stage_new(6, 1, NULL);
  static const uint8_t none[256];
  schat_chat_update u;
  (void)state;
  assert_true(schat_chat_discard(stage_manager(s), s->chat_id, 0, s->w->now) >= 0);
  assert_memory_equal(stage_slot(s)->chat.key, none, sizeof none);
  assert_int_equal(stage_text(s, 1, "on its way"), SCHAT_IGNORED);
  assert_int_equal(world_text(s->w, 0, s->chat_id, "ours", NULL), SCHAT_E_STATE);
  assert_int_equal(schat_chat_discard(stage_manager(s), s->chat_id, 0, s->w->now) >= 0 || stage_info(s).state == SCHAT_STATE_CLOSED, 1);
  SCHAT_INIT(u);
  u.type = SCHAT_CHAT_UPDATE_CHAT;
  u.chat_id = s->chat_id;
  u.access_hash = stage_slot(s)->chat.access_hash;
  assert_true(schat_input_chat(stage_manager(s), &u, s->w->now) > 0);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_CLOSED);
  stage_free(s);
}

/* majn/telegram-purple#285: chats that were deleted came back with the next start, and could then not be deleted any more. */
static void a_discarded_chat_does_not_come_back(void **state) {
  world *w = world_new(7, 2);
  int32_t id = world_chat(w, 0, 1);
  size_t count = 9;
  (void)state;
  assert_int_equal(schat_chat_discard(alice(w), id, 0, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_forget(alice(w), id, w->now), SCHAT_OK);
  world_restart(w, 0, 1);
  world_catch_up(w, 0);
  world_run(w);
  assert_int_equal(schat_chat_list(alice(w), NULL, 0, &count), SCHAT_OK);
  assert_int_equal(count, 0);
  world_free(w);
}

/* CVE-2018-20436: what is typed into a secret chat was fetched for a preview. There is no call that fetches, and what we send asks for none. */
static void nobody_is_asked_to_preview_a_link(void **state) {
  stage *s = stage_new(8, 1, NULL);
  puppet_seen seen;
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "https://example.org/secret", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(stage_read(s, 0, &seen), 1);
  assert_true(seen.message.flags & SCHAT_MESSAGE_NO_WEBPAGE);
  for (size_t i = 0; i < s->w->peers[0].request_count; i++) assert_int_equal(s->w->peers[0].requests[i].type, SCHAT_REQUEST_SEND_ENCRYPTED);
  stage_free(s);
}

/* CVE-2021-31320 and its siblings, ZDI-CAN-30207: stickers of a hostile peer, which no server can look into. The library hands on bytes and
 * sizes as they came, and decodes none of them. */
static void a_hostile_sticker_is_handed_on_as_it_is(void **state) {
  static const uint8_t junk[64] = {0x1f, 0x8b, 0xff, 0x00, 0xde, 0xad};
  stage *s = stage_new(9, 1, NULL);
  schat_bytes object = {NULL, 0};
  schat_message m;
  schat_effect effect;
  (void)state;
  schat_message_init(&m);
  m.random_id = 9;
  m.ttl = 0;
  m.media.type = SCHAT_MEDIA_STICKER;
  m.media.size = INT32_MAX;
  m.media.width = m.media.height = INT32_MAX;
  m.media.thumb.data = m.media.key.data = m.media.iv.data = m.media.emoji.data = junk;
  m.media.thumb.size = sizeof junk;
  m.media.key.size = m.media.iv.size = 32;
  m.media.emoji.size = 5;
  assert_int_equal(schat__message_encode(&s->p->arena, &m, 144, NULL, 0, &object.size), SCHAT_OK);
  uint8_t *out = schat__arena_take(&s->p->arena, object.size);
  assert_int_equal(schat__message_encode(&s->p->arena, &m, 144, out, object.size, &object.size), SCHAT_OK);
  object.data = out;
  assert_int_equal(puppet_send(s->p, stage_manager(s), object, s->w->now), SCHAT_OK);
  SCHAT_INIT(effect);
  assert_int_equal(schat_peek(stage_manager(s), &effect), SCHAT_OK);
  assert_non_null(effect.event);
  assert_int_equal(effect.event->message->media.thumb.size, sizeof junk);
  assert_memory_equal(effect.event->message->media.thumb.data, junk, sizeof junk);
  assert_int_equal(effect.event->message->media.width, INT32_MAX);
  stage_free(s);
}

/* The same of files: a size that the peer only says, and that its file does not have. */
static void a_file_smaller_than_its_message_says_is_refused(void **state) {
  static const uint8_t key[32] = {1}, iv[32] = {2};
  schat_encrypted_file file;
  schat_file *stream = NULL;
  (void)state;
  memset(&file, 0, sizeof file);
  file.size = 32;
  assert_int_equal(schat_file_fingerprint(key, iv, &file.key_fingerprint), SCHAT_OK);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 33, &file, &stream), SCHAT_E_CORRUPT);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, INT64_MAX, &file, &stream), SCHAT_E_CORRUPT);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 32, &file, &stream), SCHAT_OK);
  schat_file_free(stream);
}

static mode_t mode_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

/* CVE-2016-10351 (Telegram Desktop 0.10.19): the folder of the account could be read by every user of the machine. */
static void the_files_of_the_store_are_private(void **state) {
  char folder[SCRATCH_SIZE], path[300], wal[310];
  schat_sqlite_options options;
  schat_sqlite *db = NULL;
  schat_record r;
  schat_batch batch;
  (void)state;
  assert_true(scratch_folder(folder, "flaws"));
  (void)snprintf(path, sizeof path, "%s/chats.db", folder);
  (void)snprintf(wal, sizeof wal, "%s-wal", path);
  mode_t old = umask(0);
  SCHAT_INIT(options);
  assert_int_equal(schat_sqlite_open(path, &options, &db), SCHAT_OK);
  memset(&r, 0, sizeof r);
  r.kind = SCHAT_RECORD_CHAT;
  r.value.data = (const uint8_t *)"sealed";
  r.value.size = 6;
  SCHAT_INIT(batch);
  batch.generation = batch.ticket = 1;
  batch.records = &r;
  batch.record_count = 1;
  assert_int_equal(schat_sqlite_store(db)->commit(schat_sqlite_store(db)->user_data, &batch), SCHAT_OK);
  assert_int_equal(mode_of(path), 0600);
  assert_true(mode_of(wal) == 0600 || mode_of(wal) == 0);
  schat_sqlite_close(db);
  (void)umask(old);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_OK);
  assert_int_equal(rmdir(folder), 0);
}

/* majn/telegram-purple#236 ("Assertion read (fd, &id, 4) == 4 failed" at every start) and #112: a file of 12 bytes where the chats had been. Any
 * record, cut anywhere: a status, and the records that are whole stay as they are. */
static void a_torn_record_is_a_status_and_no_end(void **state) {
  world *w = world_new(10, 2);
  int32_t id = world_chat(w, 0, 1);
  memstore *image = world_image(w, 0);
  schat_config config;
  schat_record record;
  (void)state;
  SCHAT_INIT(config);
  config.storage_key = world_storage_key();
  assert_true(id != 0);
  for (size_t i = 0; memstore_record(image, i, &record); i++) {
    const size_t sizes[] = {1, 12, record.value.size / 2, record.value.size - 1};
    for (size_t k = 0; k < 4; k++) {
      memstore *torn = memstore_clone(image);
      schat_manager *m = NULL;
      memstore_truncate(torn, i, sizes[k]);
      config.store = memstore_store(torn);
      int status = schat_open(&config, w->now, &m);
      assert_true(status == SCHAT_E_CORRUPT || status == SCHAT_E_KEY || status == SCHAT_E_VERSION);
      assert_null(m);
      memstore_free(torn);
    }
  }
  memstore_free(image);
  world_free(w);
}

/* telethon-secret-chat 32e7585 and MadelineProto 8.3.5 do not keep what they have not sent yet. */
static void an_unsent_message_outlives_a_crash(void **state) {
  world *w = world_new(11, 2);
  int32_t id = world_chat(w, 0, 1);
  (void)state;
  w->peers[0].hold = 1; /* nothing leaves */
  assert_int_equal(world_text(w, 0, id, "unsent", NULL), SCHAT_OK);
  w->peers[0].hold = 0;
  world_restart(w, 0, 1);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  assert_string_equal(world_last(w, 1, SCHAT_EVENT_MESSAGE)->text, "unsent");
  world_free(w);
}

/* Messages that were handed over, each once, however often a crash has made it come again. */
static size_t heard(const world *w, size_t p) {
  size_t count = 0;
  for (size_t i = 0; i < w->peers[p].event_count; i++) {
    const world_event *e = &w->peers[p].events[i];
    size_t k = 0;
    if (e->type != SCHAT_EVENT_MESSAGE) continue;
    while (k < i && (w->peers[p].events[k].type != SCHAT_EVENT_MESSAGE || w->peers[p].events[k].random_id != e->random_id)) k++;
    assert_true(k == i || e->repeated);
    count += k == i;
  }
  return count;
}

/* TDLib 022d602, test/secret.cpp (disabled in its tree): what both sides say arrives although each of them stops again and again and the server
 * refuses. */
static void two_that_crash_all_the_time_still_talk(void **state) {
  world *w = world_new(12, 2);
  int32_t id = world_chat(w, 0, 1);
  relay_faults faults;
  (void)state;
  memset(&faults, 0, sizeof faults);
  faults.error_420 = 0.5;
  relay_set_faults(w->relay, &faults);
  for (size_t i = 0; i < 40; i++) {
    assert_true(world_text(w, i % 2, id, "ping", NULL) >= 0);
    world_restart(w, (i / 2) % 2, 1);
    world_pass(w, 400);
  }
  memset(&faults, 0, sizeof faults);
  relay_set_faults(w->relay, &faults);
  world_pass(w, 600000);
  assert_int_equal(heard(w, 0), 20);
  assert_int_equal(heard(w, 1), 20);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_store_ever_holds_plaintext),
      cmocka_unit_test(no_memory_is_given_back_with_plaintext),
      cmocka_unit_test(an_ended_photo_is_told_until_it_was_heard),
      cmocka_unit_test(every_one_of_many_ended_photos_is_named),
      cmocka_unit_test(the_storage_key_is_in_no_record),
      cmocka_unit_test(a_closed_chat_takes_nothing_more),
      cmocka_unit_test(a_discarded_chat_does_not_come_back),
      cmocka_unit_test(nobody_is_asked_to_preview_a_link),
      cmocka_unit_test(a_hostile_sticker_is_handed_on_as_it_is),
      cmocka_unit_test(a_file_smaller_than_its_message_says_is_refused),
      cmocka_unit_test(the_files_of_the_store_are_private),
      cmocka_unit_test(a_torn_record_is_a_status_and_no_end),
      cmocka_unit_test(an_unsent_message_outlives_a_crash),
      cmocka_unit_test(two_that_crash_all_the_time_still_talk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
