/* SPDX-License-Identifier: BSL-1.0
 * test_record.c - what is stored comes back as it was; what is damaged, moved, foreign, newer or older is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "puppet.h"
#include "vault.h"
#include "world.h"

#define KINDS 8u

static world *w;
static int32_t chat;
static memstore *full; /* an image that holds every kind of record */

/* Every kind of record: an open chat with a gap, an outbox, a timer and an event, another that is asked for and has early messages. */
static int set_up(void **state) {
  puppet *p;
  int32_t other = 0;
  schat_encrypted_message early;
  static const uint8_t noise[104] = {1, 2, 3};
  uint32_t kind;
  (void)state;
  w = world_new(81, 2);
  chat = world_chat(w, 0, 1);
  p = puppet_new(w->peers[0].manager, chat);
  w->peers[0].hold = 1;
  world_text_ttl(w, 0, chat, "to be sent", 60, NULL);
  puppet_send_text(p, w->peers[0].manager, 77, "unseen", 30, w->now);
  schat_messages_read(w->peers[0].manager, chat, INT32_MAX - 1, w->now);
  puppet_send_raw(p, w->peers[0].manager, p->in_raw, p->out_raw + 3, puppet_text(p, 78, "behind a gap", 0), w->now);
  schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &other);
  SCHAT_INIT(early);
  early.chat_id = other;
  early.bytes.data = noise;
  early.bytes.size = sizeof noise;
  assert_int_equal(schat_input_message(w->peers[0].manager, &early, 0, w->now), SCHAT_WAITING);
  full = world_image(w, 0);
  for (kind = SCHAT_RECORD_ACCOUNT; kind <= KINDS; kind++) assert_true(memstore_count(full, kind) > 0);
  puppet_free(p);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  memstore_free(full);
  world_free(w);
  vault_close();
  return 0;
}

static int open_with_key(memstore *m, const uint8_t *key, schat_manager **manager) {
  schat_config config;
  SCHAT_INIT(config);
  config.store = memstore_store(m);
  config.storage_key = key;
  config.user_id = w->peers[0].user_id;
  *manager = NULL;
  return schat_open(&config, w->now, manager);
}

static int opens(memstore *m) {
  schat_manager *manager;
  int status = open_with_key(m, world_storage_key(), &manager);
  assert_int_equal(manager != NULL, status >= 0);
  schat_close(manager);
  return status;
}

static size_t first_of_kind(uint32_t kind, schat_record *record) {
  size_t i;
  for (i = 0; memstore_record(full, i, record); i++) {
    if (record->kind == kind) return i;
  }
  fail();
  return 0;
}

static memstore *without(uint32_t kind) {
  memstore *m = memstore_clone(full);
  schat_record record;
  first_of_kind(kind, &record);
  record.value.size = 0;
  memstore_put(m, &record);
  return m;
}

/* Whole ------------------------------------------------------------------------------------------------------------------------- */

/* X-14 accept: an image opens as often as one likes, whatever order its records come in, and all is as it was. */
static void a_store_opens_in_any_order(void **state) {
  schat_chat_info before = world_info(w, 0, chat), after;
  int reverse;
  (void)state;
  for (reverse = 0; reverse < 2; reverse++) {
    memstore *m = memstore_clone(full);
    schat_manager *manager;
    memstore_reverse(m, reverse);
    assert_int_equal(open_with_key(m, world_storage_key(), &manager), SCHAT_OK);
    SCHAT_INIT(after);
    assert_int_equal(schat_chat_get_info(manager, chat, &after), SCHAT_OK);
    before.unacknowledged = after.unacknowledged; /* opening asks for the gap again */
    assert_memory_equal(&before, &after, sizeof before);
    schat_close(manager);
    memstore_free(m);
  }
}

static schat__reader reader_of(const uint8_t *data, size_t size) {
  schat__reader r;
  memset(&r, 0, sizeof r);
  r.data = data;
  r.size = size;
  return r;
}

/* Reads a record with its own function and writes it again. */
static int again(const schat_record *record, const uint8_t *plain, size_t size, uint8_t *out, size_t capacity, size_t *written) {
  schat__env env;
  schat__slot slot;
  schat__item *item = NULL;
  schat__account account;
  schat__config config;
  schat__reader r = reader_of(plain, size);
  schat__writer writer;
  int status;
  memset(&env, 0, sizeof env);
  memset(&slot, 0, sizeof slot);
  memset(&account, 0, sizeof account);
  memset(&config, 0, sizeof config);
  writer.data = out;
  writer.capacity = capacity;
  writer.size = 0;
  switch (record->kind) {
    case SCHAT_RECORD_ACCOUNT:
      if ((status = schat__account_read(&r, &account)) == SCHAT_OK) schat__account_write(&writer, &account);
      break;
    case SCHAT_RECORD_CHAT:
      if ((status = schat__chat_read(&r, &slot.chat)) == SCHAT_OK) schat__chat_write(&writer, &slot.chat);
      break;
    case SCHAT_RECORD_KEYS:
      if ((status = schat__keys_read(&env, &r, &slot)) == SCHAT_OK) schat__keys_write(&writer, &slot);
      schat__free(NULL, slot.secrets, sizeof *slot.secrets);
      break;
    case SCHAT_RECORD_DH_CONFIG:
      if ((status = schat__config_read(&r, &config)) == SCHAT_OK) schat__config_write(&writer, &config);
      break;
    default:
      if ((status = schat__item_read(&env, &r, record->kind, record->key, &item)) == SCHAT_OK) schat__item_write(&writer, item);
      schat__item_free(&env, item);
      break;
  }
  *written = writer.size;
  return status;
}

/* Each record that is read and written again is the same bytes. */
static void records_come_back_as_they_were(void **state) {
  static uint8_t out[65536];
  schat_record record;
  size_t i, size = 0, written = 0;
  (void)state;
  for (i = 0; memstore_record(full, i, &record); i++) {
    uint8_t *plain;
    if (record.kind == SCHAT_RECORD_EVENT) continue; /* no structure of its own here: see test_events */
    plain = vault_open(&record, &size);
    assert_non_null(plain);
    assert_int_equal(again(&record, plain, size, out, sizeof out, &written), SCHAT_OK);
    assert_int_equal(written, size);
    assert_memory_equal(out, plain, size);
    free(plain);
  }
}

/* X-14, rule 9: no plaintext and no key stands in the store as it is. */
static void nothing_in_the_store_can_be_read_without_the_key(void **state) {
  const schat__chat *c = &puppet_slot(w->peers[0].manager, chat)->chat;
  (void)state;
  assert_int_equal(memstore_find(full, "to be sent", 10), 0);
  assert_int_equal(memstore_find(full, "unseen", 6), 0);
  assert_int_equal(memstore_find(full, "behind a gap", 12), 0);
  assert_int_equal(memstore_find(full, c->key, 16), 0);
  assert_true(vault_find_text(full, "to be sent") > 0);
  assert_true(vault_find_text(full, "unseen") > 0);
  assert_true(vault_find_text(full, "behind a gap") > 0);
  assert_int_equal(vault_find(full, c->key, sizeof c->key), 1); /* in KEYS alone */
}

/* Refused ----------------------------------------------------------------------------------------------------------------------- */

/* Every kind of record begins with its version: a newer one is told apart from damage, 0 is none. */
static void a_newer_record_of_any_kind_is_a_newer_store(void **state) {
  uint32_t kind;
  (void)state;
  for (kind = SCHAT_RECORD_ACCOUNT; kind <= KINDS; kind++) {
    const uint8_t own = kind == SCHAT_RECORD_DH_CONFIG ? 2 : 1;
    const struct {
      uint8_t version;
      int status;
    } cases[] = {{0, SCHAT_E_CORRUPT}, {own, SCHAT_OK}, {(uint8_t)(own + 1), SCHAT_E_VERSION}, {255, SCHAT_E_VERSION}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      memstore *m = memstore_clone(full);
      schat_record record;
      size_t size = 0;
      uint8_t *plain;
      first_of_kind(kind, &record);
      plain = vault_open(&record, &size);
      plain[0] = cases[i].version;
      vault_put(m, record.kind, record.chat_id, record.key, plain, size);
      assert_int_equal(opens(m), cases[i].status);
      free(plain);
      memstore_free(m);
    }
  }
}

/* So is a kind of record that a later version has added. */
static void an_unknown_kind_of_record_is_a_newer_store(void **state) {
  memstore *m = memstore_clone(full);
  static const uint8_t plain[4] = {1, 2, 3, 4};
  (void)state;
  vault_put(m, KINDS + 1, chat, 0, plain, sizeof plain);
  assert_int_equal(opens(m), SCHAT_E_VERSION);
  memstore_free(m);
}

/* A bit that flips anywhere in any record, and a record cut short anywhere, are noticed. */
static void damage_to_any_record_is_noticed(void **state) {
  schat_record record;
  size_t i, step;
  (void)state;
  for (i = 0; memstore_record(full, i, &record); i++) {
    size_t bits = record.value.size * 8, sizes = record.value.size;
    for (step = 0; step < 24; step++) {
      memstore *m = memstore_clone(full);
      memstore_flip_bit(m, i, step < 8 ? step * 37 % bits : (step * 7919 + i * 31) % bits);
      assert_int_equal(opens(m), SCHAT_E_CORRUPT);
      memstore_free(m);
    }
    for (step = 0; step < 4; step++) {
      static const size_t cuts[] = {1, 16, 40, 41};
      memstore *m = memstore_clone(full);
      memstore_truncate(m, i, step < 2 ? sizes - cuts[step] : cuts[step]);
      assert_int_equal(opens(m), SCHAT_E_CORRUPT);
      memstore_free(m);
    }
  }
}

/* A plaintext that is shorter or longer than its kind is no record, however well it is sealed. */
static void records_of_another_length_are_refused(void **state) {
  uint32_t kind;
  (void)state;
  for (kind = SCHAT_RECORD_ACCOUNT; kind <= KINDS; kind++) {
    schat_record record;
    size_t size = 0, cut;
    uint8_t *plain;
    first_of_kind(kind, &record);
    plain = vault_open(&record, &size);
    plain = realloc(plain, size + 1);
    assert_non_null(plain);
    plain[size] = 0;
    for (cut = 0; cut <= size + 1; cut += cut == size - 1 ? 2 : 1) {
      memstore *m;
      if (cut > 12 && cut + 12 < size && cut % 17 != 0) continue;
      m = memstore_clone(full);
      vault_put(m, record.kind, record.chat_id, record.key, plain, cut);
      assert_int_equal(opens(m), SCHAT_E_CORRUPT);
      memstore_free(m);
    }
    free(plain);
  }
}

/* The wrong storage key opens nothing; a store where nothing opens has another key, one where something opens is damaged. */
static void another_storage_key_is_told_apart_from_damage(void **state) {
  uint8_t key[32];
  schat_manager *manager;
  memstore *m = memstore_clone(full);
  size_t i;
  (void)state;
  for (i = 0; i < 256; i += 51) {
    memcpy(key, world_storage_key(), sizeof key);
    key[i / 8] ^= (uint8_t)(1u << i % 8);
    assert_int_equal(open_with_key(m, key, &manager), SCHAT_E_KEY);
  }
  assert_int_equal(open_with_key(m, world_storage_key(), &manager), SCHAT_OK);
  schat_close(manager);
  memstore_free(m);
  m = memstore_new();
  memcpy(key, world_storage_key(), sizeof key);
  {
    schat_record record;
    first_of_kind(SCHAT_RECORD_ACCOUNT, &record);
    memstore_put(m, &record);
    memstore_flip_bit(m, 0, 300);
    assert_int_equal(opens(m), SCHAT_E_KEY); /* the only record there is */
  }
  memstore_free(m);
}

/* A record under another name, as an attacker with the disk may write it, does not open there: kind, chat and key are sealed with it. */
static void a_record_that_was_moved_is_refused(void **state) {
  uint32_t kind;
  int what;
  (void)state;
  for (kind = SCHAT_RECORD_ACCOUNT; kind <= KINDS; kind++) {
    for (what = 0; what < 4; what++) {
      memstore *m = what == 3 ? without(kind) : memstore_clone(full);
      schat_record record;
      first_of_kind(kind, &record);
      if (what == 0) record.kind = record.kind == SCHAT_RECORD_CHAT ? SCHAT_RECORD_KEYS : SCHAT_RECORD_CHAT;
      if (what == 1 || what == 3) record.chat_id ^= 5;
      if (what == 2) record.key++;
      memstore_put(m, &record);
      assert_int_equal(opens(m), SCHAT_E_CORRUPT);
      memstore_free(m);
    }
  }
}

/* Two chats that swap their keys, or an older record of the same name with newer others, do not pass for a whole. */
static void a_store_that_lacks_a_record_is_refused(void **state) {
  static const uint32_t needed[] = {SCHAT_RECORD_ACCOUNT, SCHAT_RECORD_DH_CONFIG, SCHAT_RECORD_OUTBOX};
  memstore *m;
  schat_record record;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    m = without(needed[i]);
    assert_int_equal(opens(m), SCHAT_E_CORRUPT);
    memstore_free(m);
  }
  for (i = 0; i < 2; i++) { /* of the open chat */
    m = memstore_clone(full);
    assert_true(memstore_get(m, i == 0 ? SCHAT_RECORD_CHAT : SCHAT_RECORD_KEYS, chat, 0, &record));
    record.value.size = 0;
    memstore_put(m, &record);
    assert_int_equal(opens(m), SCHAT_E_CORRUPT);
    memstore_free(m);
  }
}

static int scan_twice(void *user_data, schat_record_fn fn, void *arg) {
  memstore *m = user_data;
  schat_record record;
  size_t i;
  int status = 0;
  for (i = 0; status == 0 && memstore_record(m, i % memstore_count(m, 0), &record) && i < 2 * memstore_count(m, 0); i++)
    status = fn(arg, &record);
  return status;
}

/* A store that gives records twice is damaged. */
static void a_store_that_gives_records_twice_is_refused(void **state) {
  memstore *m = memstore_clone(full);
  schat_store doubled = *memstore_store(m);
  schat_config config;
  schat_manager *manager = NULL;
  (void)state;
  doubled.scan = scan_twice;
  SCHAT_INIT(config);
  config.store = &doubled;
  config.storage_key = world_storage_key();
  assert_int_equal(schat_open(&config, w->now, &manager), SCHAT_E_CORRUPT);
  assert_null(manager);
  memstore_free(m);
}

static int scan_oddly(void *user_data, schat_record_fn fn, void *arg) {
  (void)user_data;
  (void)fn;
  (void)arg;
  return 5;
}

/* A scan that fails is told as it failed, also halfway, and nothing is opened or changed. */
static void a_scan_that_fails_is_a_failure(void **state) {
  memstore *m = memstore_clone(full);
  schat_store odd = *memstore_store(m);
  schat_config config;
  schat_manager *manager = NULL;
  (void)state;
  memstore_fail_scan(m, 1, SCHAT_E_BUSY, 0);
  assert_int_equal(opens(m), SCHAT_E_BUSY);
  memstore_fail_scan(m, 1, SCHAT_E_STORE, 0);
  assert_int_equal(opens(m), SCHAT_E_STORE);
  assert_true(memstore_equal(m, full));
  odd.scan = scan_oddly;
  SCHAT_INIT(config);
  config.store = &odd;
  config.storage_key = world_storage_key();
  assert_int_equal(schat_open(&config, w->now, &manager), SCHAT_E_STORE);
  memstore_fail_commit(m, 1, SCHAT_E_FULL, 0);
  w->now += 3600000; /* the gap has to be asked for again */
  assert_int_equal(opens(m), SCHAT_E_FULL); /* what opening does is a commit too */
  w->now -= 3600000;
  assert_true(memstore_equal(m, full));
  memstore_free(m);
}

/* The chat as it would be stored and read again. */
static int reread(const schat__chat *c) {
  uint8_t out[1024];
  schat__chat back;
  schat__writer writer = {out, sizeof out, 0};
  schat__reader r;
  memset(&back, 0, sizeof back);
  schat__chat_write(&writer, c);
  assert_true(schat__writer_fits(&writer));
  r = reader_of(out, writer.size);
  return schat__chat_read(&r, &back);
}

/* X-17 reject: numbers of a chat that nothing can have written are damage, one step beyond their ends; at their ends they are lawful. */
static void numbers_out_of_range_are_damage(void **state) {
  const schat__chat good = puppet_slot(w->peers[0].manager, chat)->chat;
  static const struct {
    size_t at;
    int32_t least, most;
  } cases[] = {
      {offsetof(schat__chat, in_seq), 0, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, out_seq), 10, SCHAT__SEQ_MAX + 1},
      {offsetof(schat__chat, in_highest), -1, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, asked_up_to), -1, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, flush_seq), -1, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, new_key_seen), -1, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, unread_count), 0, SCHAT__SEQ_MAX},
      {offsetof(schat__chat, ttl), 0, INT32_MAX},
      {offsetof(schat__chat, stated_layer), 144, 144},
      {offsetof(schat__chat, acked_base), 7, 7},
      {offsetof(schat__chat, acked_last), 7 + 3 + 300, 7 + 3 + 300},
      {offsetof(schat__chat, acked_end), 3, 10},
  };
  static const size_t clocks[] = {offsetof(schat__chat, gap_at),     offsetof(schat__chat, abort_at),  offsetof(schat__chat, rekey_at),
                                  offsetof(schat__chat, discard_at), offsetof(schat__chat, accept_at), offsetof(schat__chat, close_at),
                                  offsetof(schat__chat, peer_heard)};
  schat__chat base = good, c;
  size_t i;
  (void)state;
  base.out_seq = 10;
  base.acked_count = 3; /* three confirmed messages: 7, 7 + 3, 7 + 3 + 300 */
  base.acked_size = 3;
  base.acked_base = 7;
  base.acked_last = 310;
  base.acked_end = 10;
  base.acked[0] = 3;
  base.acked[1] = 0xac;
  base.acked[2] = 2;
  assert_int_equal(reread(&base), SCHAT_OK);
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int32_t values[4], j;
    values[0] = cases[i].least;
    values[1] = cases[i].most;
    values[2] = cases[i].least - 1;
    values[3] = cases[i].most == INT32_MAX ? INT32_MIN : cases[i].most + 1;
    for (j = 0; j < 4; j++) {
      c = base;
      memcpy((uint8_t *)&c + cases[i].at, &values[j], sizeof values[j]);
      assert_int_equal(reread(&c), j < 2 ? SCHAT_OK : SCHAT_E_CORRUPT);
    }
  }
  for (i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
    static const int64_t times[] = {0, INT64_MAX / 2 - 1, -1, INT64_MAX, INT64_MIN};
    size_t j;
    for (j = 0; j < 5; j++) {
      c = base;
      memcpy((uint8_t *)&c + clocks[i], &times[j], sizeof times[j]);
      assert_int_equal(reread(&c), j < 2 ? SCHAT_OK : SCHAT_E_CORRUPT);
    }
  }
}

/* X-17 reject: confirmed numbers that do not fill their bytes, or run over them, would be read past their end. */
static void confirmed_numbers_that_do_not_add_up_are_damage(void **state) {
  schat__chat base = puppet_slot(w->peers[0].manager, chat)->chat, c;
  size_t size;
  (void)state;
  base.out_seq = 300;
  base.acked_base = base.acked_last = 0;
  base.acked_end = 200;
  base.acked_count = 128;
  memset(base.acked, 0, sizeof base.acked);
  for (size = 0; size <= SCHAT__ACKED_SIZE; size++) {
    c = base;
    c.acked_size = (uint8_t)size;
    assert_int_equal(reread(&c), size == 127 ? SCHAT_OK : SCHAT_E_CORRUPT);
  }
  c = base;
  c.acked_size = 127;
  c.acked_count = 129;
  assert_int_equal(reread(&c), SCHAT_E_CORRUPT);
  c.acked_count = 128;
  c.acked[126] = 0x80; /* goes on beyond the end */
  assert_int_equal(reread(&c), SCHAT_E_CORRUPT);
  c.acked_count = 2;
  c.acked_size = 6;
  memset(c.acked, 0x80, 6); /* never ends */
  assert_int_equal(reread(&c), SCHAT_E_CORRUPT);
}

/* Random contents --------------------------------------------------------------------------------------------------------------- */

static uint64_t seed = 0x1234567; /* of the mutations */
static uint64_t draw(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static uint8_t extreme(void) {
  static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff};
  return bytes[draw() % 5];
}

/* One way or another of being wrong; returns the new size. */
static size_t mutate(uint8_t *plain, size_t size) {
  size_t i, at, n;
  switch (draw() % 5) {
    case 0: /* anything at all */
      for (i = 1; i < size; i++) plain[i] = (uint8_t)draw();
      return size;
    case 1: /* a few bytes */
      for (n = 1 + draw() % 4; n > 0; n--) plain[draw() % size] = (uint8_t)draw();
      return size;
    case 2: /* a field at an end of its range */
      at = draw() % size;
      n = draw() % 2 == 0 ? 4 : 8;
      for (i = 0; i < n && at + i < size; i++) plain[at + i] = extreme();
      if (draw() % 2 == 0 && at + n <= size) {
        memset(plain + at, draw() % 2 == 0 ? 0xff : 0, n);
        plain[at + n - 1] = draw() % 2 == 0 ? 0x7f : 0x80;
      }
      return size;
    case 3: /* all zero, all ones from somewhere on */
      at = 1 + draw() % size;
      if (at < size) memset(plain + at, extreme(), size - at);
      return size;
    default: /* cut short */
      return 1 + draw() % size;
  }
}

/* What a host does with a manager, whatever it holds. */
static void use(schat_manager *m, memstore *store) {
  schat_effect effect;
  schat_message message;
  int32_t ids[8];
  size_t count = 0, i, popped = 0;
  int64_t deadline, id = 77;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)"text";
  message.text.size = 4;
  SCHAT_INIT(effect);
  schat_tick(m, w->now + 1000);
  while (popped++ < 100 && schat_peek(m, &effect) == SCHAT_OK) schat_pop(m);
  schat_chat_list(m, ids, 8, &count);
  for (i = 0; i < count && i < 8 && count <= 8; i++) {
    schat_send(m, ids[i], &message, NULL, w->now, NULL);
    schat_messages_read(m, ids[i], INT32_MAX, w->now);
    schat_messages_opened(m, ids[i], &id, 1, w->now);
    schat_messages_delete(m, ids[i], &id, 1, 0, w->now);
  }
  schat_next_deadline(m, &deadline);
  schat_tick(m, w->now + INT64_C(604800) * 2000);
  for (i = 0; i < count && i < 8 && count <= 8; i++) schat_chat_discard(m, ids[i], 0, w->now);
  while (popped++ < 200 && schat_peek(m, &effect) == SCHAT_OK) schat_pop(m);
  (void)store;
}

/* whatever a record says, sealed with the right key, opening it ends with a status, and using what has opened does too. */
static void random_records_under_the_right_key_do_no_harm(void **state) {
  size_t round, opened = 0, records = memstore_count(full, 0);
  (void)state;
  for (round = 0; round < 20000; round++) {
    memstore *m = memstore_clone(full);
    schat_manager *manager;
    schat_record record;
    size_t size = 0, changes = 1 + draw() % 2;
    int status;
    while (changes-- > 0) {
      uint8_t *plain;
      memstore_record(full, draw() % records, &record);
      plain = vault_open(&record, &size);
      size = mutate(plain, size);
      vault_put(m, record.kind, record.chat_id, record.key, plain, size);
      free(plain);
    }
    status = open_with_key(m, world_storage_key(), &manager);
    assert_true(status == SCHAT_OK || status == SCHAT_E_CORRUPT || status == SCHAT_E_VERSION);
    if (status == SCHAT_OK) {
      opened++;
      use(manager, m);
      schat_close(manager);
    }
    memstore_free(m);
  }
  assert_true(opened > 50);
  assert_true(opened < 20000);
}

/* the functions that read records, alone, many more times. What they take they can write again. */
static void random_plaintexts_are_read_or_refused(void **state) {
  static uint8_t out[65536];
  size_t round, taken = 0, records = memstore_count(full, 0), i;
  schat_record *all = calloc(records, sizeof *all);
  uint8_t **plains = calloc(records, sizeof *plains), work[4096];
  size_t *sizes = calloc(records, sizeof *sizes);
  (void)state;
  assert_true(all != NULL && plains != NULL && sizes != NULL);
  for (i = 0; i < records; i++) {
    memstore_record(full, i, &all[i]);
    plains[i] = vault_open(&all[i], &sizes[i]);
  }
  for (round = 0; round < 20000; round++) {
    size_t written = 0, size;
    int status;
    i = draw() % records;
    if (sizes[i] > sizeof work) continue;
    memcpy(work, plains[i], sizes[i]);
    size = mutate(work, sizes[i]);
    if (all[i].kind == SCHAT_RECORD_EVENT) {
      schat__arena arena;
      schat__event event;
      schat__arena_init(&arena, NULL, 1 << 20);
      status = schat__event_decode(&arena, work, size, &event);
      schat__arena_free(&arena);
    } else {
      status = again(&all[i], work, size, out, sizeof out, &written);
      if (status == SCHAT_OK) assert_int_equal(written, size);
    }
    assert_true(status == SCHAT_OK || status == SCHAT_E_CORRUPT || status == SCHAT_E_VERSION || status == SCHAT_E_NOMEM);
    taken += status == SCHAT_OK;
  }
  assert_true(taken > 100 && taken < 20000);
  for (i = 0; i < records; i++) free(plains[i]);
  free(all);
  free(plains);
  free(sizes);
}

/* Rolled back ------------------------------------------------------------------------------------------------------------------- */

/* X-15 reject: an older image of the store, when a counter outside has seen a newer one, is not opened. Accept: the newest is. */
static void an_older_image_is_told_by_the_counter(void **state) {
  memstore *m = memstore_clone(full);
  schat_manager *manager;
  size_t keep;
  (void)state;
  memstore_count_generations(m);
  assert_int_equal(open_with_key(m, world_storage_key(), &manager), SCHAT_OK);
  assert_int_equal(schat_chat_set_ttl(manager, chat, 5, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_set_ttl(manager, chat, 6, 0, w->now), SCHAT_OK);
  schat_close(manager);
  for (keep = memstore_unsynced(m); keep-- > 0;) {
    memstore *older = NULL;
    memstore_drop_unsynced(m, keep);
    older = memstore_clone(m);
    memstore_count_generations(older);
    assert_int_equal(opens(older), SCHAT_E_ROLLED_BACK);
    memstore_free(older);
  }
  memstore_free(m);
  m = memstore_clone(full);
  memstore_count_generations(m);
  assert_int_equal(opens(m), SCHAT_OK);
  assert_int_equal(opens(m), SCHAT_OK);
  memstore_free(m);
}

/* a store that was wiped stays usable beside its counter, at once and later, and the images of before do not pass. */
static void a_wiped_store_goes_on_counting(void **state) {
  memstore *m = memstore_clone(full), *older = memstore_clone(full);
  schat_manager *manager;
  int32_t id = 0;
  (void)state;
  memstore_count_generations(m);
  assert_int_equal(open_with_key(m, world_storage_key(), &manager), SCHAT_OK);
  assert_int_equal(schat_wipe(manager, w->now), SCHAT_OK);
  schat_close(manager);
  assert_int_equal(memstore_count(m, 0), 0);
  assert_int_equal(open_with_key(m, world_storage_key(), &manager), SCHAT_OK);
  assert_int_equal(schat_chat_create(manager, 5, w->now, &id), SCHAT_OK);
  schat_close(manager);
  assert_int_equal(opens(m), SCHAT_OK);
  {
    schat_record record;
    size_t i;
    for (i = 0; memstore_record(older, i, &record); i++) memstore_put(m, &record); /* the old image comes back */
  }
  assert_int_equal(opens(m), SCHAT_E_ROLLED_BACK);
  memstore_free(older);
  memstore_free(m);
}

static int32_t close_reason_after(world_peer *peer, puppet *p, int32_t in_raw, int reopened) {
  if (reopened) world_restart(w, 0, 1);
  puppet_send_raw(p, peer->manager, in_raw, p->out_raw, puppet_text(p, 5, "text", 0), w->now);
  return world_info(w, 0, chat).close_reason;
}

/* X-15 reject: without a counter the peer tells: right after opening, one who has confirmed more than we remember to have sent shows that
 * our store went back. Accept: as many as we sent is lawful; and without a reopening it is the peer's fault. */
static void a_peer_that_knows_more_than_we_do_shows_a_rollback(void **state) {
  static const struct {
    int32_t beyond;
    int reopened, earlier;
    int32_t reason;
  } cases[] = {{0, 1, 0, SCHAT_CLOSE_NONE},
               {1, 1, 0, SCHAT_CLOSE_STORAGE_ROLLED_BACK},
               {1, 0, 0, SCHAT_CLOSE_BAD_IN_SEQ_NO},
               {1, 1, 1, SCHAT_CLOSE_BAD_IN_SEQ_NO},
               {0, 0, 0, SCHAT_CLOSE_NONE}};
  size_t i;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    puppet *p;
    tear_down(state);
    w = world_new(82, 2);
    chat = world_chat(w, 0, 1);
    full = world_image(w, 0);
    world_text(w, 0, chat, "seen by the peer", NULL);
    world_run(w);
    p = puppet_new(w->peers[0].manager, chat);
    if (cases[i].earlier) { /* something in order has come since the opening */
      world_restart(w, 0, 1);
      assert_int_equal(puppet_send_text(p, w->peers[0].manager, 4, "text", 0, w->now), SCHAT_OK);
    }
    if (cases[i].reopened && !cases[i].earlier) world_restart(w, 0, 1);
    assert_int_equal(close_reason_after(&w->peers[0], p, puppet_slot(w->peers[0].manager, chat)->chat.out_seq + cases[i].beyond, 0),
                     cases[i].reason);
    if (cases[i].reason == SCHAT_CLOSE_STORAGE_ROLLED_BACK) {
      world_drain(w, 0);
      assert_int_equal(world_last(w, 0, SCHAT_EVENT_CLOSED)->reason, SCHAT_CLOSE_STORAGE_ROLLED_BACK);
      assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
    }
    puppet_free(p);
  }
}

/* the same with a true backup, played back behind the library's back, against a peer that is honest. */
static void a_restored_backup_is_noticed_when_the_peer_speaks(void **state) {
  memstore *backup;
  size_t i;
  (void)state;
  tear_down(state);
  w = world_new(83, 2);
  chat = world_chat(w, 0, 1);
  full = world_image(w, 0);
  world_text(w, 0, chat, "before", NULL);
  world_run(w);
  backup = world_image(w, 0);
  for (i = 0; i < 3; i++) world_text(w, 0, chat, "after", NULL);
  world_run(w);
  schat_close(w->peers[0].manager);
  w->peers[0].manager = NULL;
  memstore_free(w->peers[0].store);
  w->peers[0].store = backup;
  world_restart(w, 0, 0);
  world_text(w, 1, chat, "I have seen four", NULL);
  world_run(w);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_CLOSED);
  assert_int_equal(world_info(w, 0, chat).close_reason, SCHAT_CLOSE_STORAGE_ROLLED_BACK);
}

/* What is compared ------------------------------------------------------------------------------------------------------------- */

static size_t written(const schat__chat *c, uint8_t *out) {
  schat__writer v = {out, SCHAT__CHAT_RECORD_MOST, 0};
  schat__chat_write(&v, c);
  assert_true(schat__writer_fits(&v));
  return v.size;
}

/* whatever byte of a chat changes, a record that would be another is noticed; what is not stored never counts. */
static void a_change_that_a_record_shows_is_noticed(void **state) {
  static schat__chat a, b;
  uint8_t first[SCHAT__CHAT_RECORD_MOST], second[SCHAT__CHAT_RECORD_MOST];
  size_t i, seen = 0;
  (void)state;
  memset(&a, 0x5a, sizeof a);
  a.acked_size = SCHAT__ACKED_SIZE; /* the longest there is */
  for (i = 0; i < sizeof a; i++) {
    size_t size;
    if (i == offsetof(schat__chat, acked_size)) continue;
    memcpy(&b, &a, sizeof b);
    ((uint8_t *)&b)[i] ^= 0x81;
    size = written(&a, first);
    if (size == written(&b, second) && memcmp(first, second, size) == 0) continue;
    assert_true(schat__chat_differs(&a, &b));
    seen++;
  }
  assert_true(seen > 300);
  for (i = offsetof(schat__chat, key_fingerprint); i < sizeof a; i++) {
    memcpy(&b, &a, sizeof b);
    ((uint8_t *)&b)[i] ^= 0x81;
    assert_false(schat__chat_differs(&a, &b));
  }
  memcpy(&b, &a, sizeof b);
  b.flags ^= SCHAT__FLAGS_VOLATILE;
  assert_false(schat__chat_differs(&a, &b));
}

/* The room that a commit leaves for a record is enough for the largest there is. */
static void records_are_no_larger_than_they_may_be(void **state) {
  static schat__slot slot;
  static schat__secrets secrets;
  static schat__config config;
  schat__account account;
  schat__item item;
  schat__writer none = {NULL, 0, 0};
  (void)state;
  slot.secrets = &secrets;
  slot.chat.acked_size = SCHAT__ACKED_SIZE;
  schat__chat_write(&none, &slot.chat);
  assert_true(none.size <= SCHAT__CHAT_RECORD_MOST);
  none.size = 0;
  schat__keys_write(&none, &slot);
  assert_true(none.size > SCHAT__KEYS_RECORD_MOST / 2 && none.size <= SCHAT__KEYS_RECORD_MOST);
  memset(&account, 0, sizeof account);
  none.size = 0;
  schat__account_write(&none, &account);
  assert_true(none.size <= SCHAT__ACCOUNT_RECORD_MOST);
  none.size = 0;
  schat__config_write(&none, &config);
  assert_true(none.size <= SCHAT__CONFIG_RECORD_MOST);
  memset(&item, 0, sizeof item);
  for (item.kind = 0; item.kind < SCHAT__ITEM_KINDS; item.kind++) {
    none.size = 0;
    schat__item_write(&none, &item);
    assert_true(none.size <= SCHAT__ITEM_HEAD_MOST);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(a_store_opens_in_any_order),
      T(records_come_back_as_they_were),
      T(nothing_in_the_store_can_be_read_without_the_key),
      T(a_newer_record_of_any_kind_is_a_newer_store),
      T(an_unknown_kind_of_record_is_a_newer_store),
      T(damage_to_any_record_is_noticed),
      T(records_of_another_length_are_refused),
      T(another_storage_key_is_told_apart_from_damage),
      T(a_record_that_was_moved_is_refused),
      T(a_store_that_lacks_a_record_is_refused),
      T(a_store_that_gives_records_twice_is_refused),
      T(a_scan_that_fails_is_a_failure),
      T(numbers_out_of_range_are_damage),
      T(confirmed_numbers_that_do_not_add_up_are_damage),
      T(random_records_under_the_right_key_do_no_harm),
      T(random_plaintexts_are_read_or_refused),
      T(an_older_image_is_told_by_the_counter),
      T(a_wiped_store_goes_on_counting),
      T(a_peer_that_knows_more_than_we_do_shows_a_rollback),
      T(a_restored_backup_is_noticed_when_the_peer_speaks),
      T(a_change_that_a_record_shows_is_noticed),
      T(records_are_no_larger_than_they_may_be),
  };
  return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
