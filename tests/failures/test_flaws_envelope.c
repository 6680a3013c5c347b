/* SPDX-License-Identifier: BSL-1.0
 * test_flaws_envelope.c - what others did wrong with one encrypted message. failures.tsv lists them all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "manager/manager.h"
#include "stage.h"

static stage *s;

static int set_up(void **state) {
  (void)state;
  s = stage_new(31, 1, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  stage_free(s);
  return 0;
}

static int feed(const uint8_t *bytes, size_t size) {
  return puppet_feed(stage_manager(s), s->chat_id, bytes, size, s->w->now);
}

static int32_t reason_of_last_rejection(void) {
  world_run(s->w);
  return world_last(s->w, 0, SCHAT_EVENT_REJECTED)->reason;
}

/* A wrapped text of the peer, its size a multiple of 16 and 4 more, so that 1,024 and 1,028 bytes of padding are both whole blocks with it. */
static schat_bytes wrapped(uint8_t object[512]) {
  schat_bytes text = puppet_text(s->p, 5, "some words of a certain length", 0), out = {object, 0};
  static const uint8_t noise[31] = {3};
  schat__wrapper w;
  size_t at;
  memset(&w, 0, sizeof w);
  w.random_bytes.data = noise;
  w.random_bytes.size = sizeof noise;
  w.layer = 144;
  w.in_seq_no = schat__wire_in(s->p->in_raw, s->p->originator);
  w.out_seq_no = schat__wire_out(s->p->out_raw, s->p->originator);
  out.size = schat__wrapper_encode(&w, text.size, NULL, &at);
  assert_true(out.size <= 512);
  schat__wrapper_encode(&w, text.size, object, &at);
  memcpy(object + at, text.data, text.size);
  return out;
}

/* Authentic, with any length and any amount of padding that makes whole blocks; malloc'ed, 24 + *size bytes are what is sealed. */
static uint8_t *seal(schat_bytes object, uint32_t length, size_t padding, size_t *size) {
  const size_t padded = 4 + object.size + padding;
  uint8_t *out = calloc(1, 24 + padded);
  assert_non_null(out);
  assert_int_equal(padded % 16, 0);
  memcpy(out + 28, object.data, object.size);
  schat__store32(out + 24, length);
  assert_int_equal(schat__envelope_seal(s->p->crypto, s->p->key, s->p->key_fingerprint, s->p->originator, out + 24, padded, out), SCHAT_OK);
  *size = 24 + padded;
  return out;
}

static size_t least_padding(schat_bytes object) {
  return 12 + (16 - (4 + object.size + 12) % 16) % 16;
}

static int try_length(uint32_t add, size_t more) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size;
  uint8_t *bytes = seal(o, (uint32_t)o.size + add, least_padding(o) + more, &size);
  int status = feed(bytes, size);
  free(bytes);
  return status;
}

/* How often a verdict was asked of libcrypto, and how many bytes it compared. */
static size_t compared, compared_bytes;

int CRYPTO_memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  unsigned char differs = 0;
  compared++;
  compared_bytes = size;
  for (size_t i = 0; i < size; i++) differs |= (unsigned char)(x[i] ^ y[i]);
  return differs;
}

/* tgl ffb04ca (memcmp), MadelineProto 8.3.5 (!=), telethon-secret-chat 32e7585 (!=): a comparison of msg_key that ends at the first
 * difference. Here all 16 bytes are compared, in constant time, wherever they differ. */
static void msg_key_is_compared_as_a_whole(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size;
  uint8_t *bytes = seal(o, (uint32_t)o.size, least_padding(o), &size);
  (void)state;
  for (size_t i = 0; i < 17; i++) {
    if (i < 16) bytes[8 + i] ^= 1;
    compared = compared_bytes = 0;
    int status = feed(bytes, size);
    assert_true(compared >= 1);
    assert_int_equal(compared_bytes, 16);
    assert_int_equal(status, i < 16 ? SCHAT_REJECTED : SCHAT_OK);
    if (i < 16) bytes[8 + i] ^= 1;
  }
  free(bytes);
}

/* tgl ffb04ca, telethon-secret-chat 32e7585, MadelineProto before 045edf81b and its version 1: the length was looked at before msg_key was.
 * "Four Attacks and a Proof", section 6, reads plaintext from the difference. A lie about the length is one with a wrong msg_key. */
static void a_lying_length_looks_like_a_wrong_msg_key(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size;
  uint8_t *bytes = seal(o, (uint32_t)o.size, least_padding(o), &size);
  (void)state;
  bytes[9] ^= 1;
  assert_int_equal(feed(bytes, size), SCHAT_REJECTED);
  assert_int_equal(reason_of_last_rejection(), SCHAT_REJECT_NOT_AUTHENTIC);
  assert_int_equal(try_length(0x10000000, 0), SCHAT_REJECTED);
  assert_int_equal(reason_of_last_rejection(), SCHAT_REJECT_NOT_AUTHENTIC);
  bytes[9] ^= 1;
  assert_int_equal(feed(bytes, size), SCHAT_OK);
  free(bytes);
}

/* majn/telegram-purple#567 and #274: a hash over 511,453,904 bytes, as the length said, and with the message in the server's queue the
 * program ended at every start. The buffers here have their exact size, so that a memory checker sees a byte too far. */
static void a_length_of_half_a_gigabyte_reads_nothing(void **state) {
  static const uint32_t lengths[] = {511453904u, 0xffffffffu, 0x80000000u, 0x7ffffffcu, 0xfffffffcu, 1u << 20, 1000};
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  (void)state;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    for (int mtproto = 1; mtproto <= 2; mtproto++) {
      size_t size;
      uint8_t *bytes = seal(o, lengths[i], least_padding(o), &size), *work = malloc(size - 24);
      const uint8_t *opened = NULL;
      size_t opened_size = 0;
      assert_non_null(work);
      assert_int_equal(schat__envelope_open(s->p->crypto, s->p->key, s->p->key_fingerprint, mtproto, s->p->originator, bytes, size, work,
                                            &opened, &opened_size),
                       0);
      assert_null(opened);
      free(work);
      free(bytes);
    }
  }
  assert_int_equal(stage_text(s, 9, "and the chat goes on"), SCHAT_OK);
}

/* telethon-secret-chat 32e7585: only the lower bound of the padding. Telegram allows 1,024 bytes, so that nobody smuggles more. */
static void more_than_1024_bytes_of_padding_are_refused(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t padding = least_padding(o), size;
  (void)state;
  for (; padding <= 1100; padding += 16) {
    uint8_t *bytes = seal(o, (uint32_t)o.size, padding, &size);
    if (padding > 1024) {
      assert_int_equal(feed(bytes, size), SCHAT_REJECTED);
    } else if (padding + 16 > 1024) {
      assert_int_equal(feed(bytes, size), SCHAT_OK);
    }
    free(bytes);
  }
}

/* Android 03a6abc (length <= 0 only), MadelineProto 8.3.5, telethon-secret-chat 32e7585. */
static void a_length_that_is_no_multiple_of_four_is_refused(void **state) {
  (void)state;
  for (uint32_t add = 1; add < 4; add++) {
    assert_int_equal(try_length(add, 16), SCHAT_REJECTED);
    assert_int_equal(reason_of_last_rejection(), SCHAT_REJECT_NOT_AUTHENTIC);
  }
  assert_int_equal(try_length(0, 16), SCHAT_OK);
}

/* TDLib 022d602 Transport.cpp:225 drops up to 15 bytes after the last block, and tgl ffb04ca as well: another ciphertext of the same message,
 * as in Jakobsen and Orlandi's attack on version 1. */
static void junk_after_the_last_block_is_refused(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size;
  uint8_t *bytes = seal(o, (uint32_t)o.size, least_padding(o), &size), *longer = calloc(1, size + 16);
  (void)state;
  assert_non_null(longer);
  memcpy(longer, bytes, size);
  for (size_t more = 1; more <= 16; more++) assert_int_equal(feed(longer, size + more), SCHAT_REJECTED);
  assert_int_equal(feed(longer, size), SCHAT_OK);
  free(longer);
  free(bytes);
}

/* TDLib 022d602, tgl ffb04ca, telethon-secret-chat 32e7585 take a wrapper without its random bytes. */
static void fourteen_random_bytes_are_refused(void **state) {
  (void)state;
  for (s->p->random_bytes = 0; s->p->random_bytes < 15; s->p->random_bytes++) {
    assert_int_equal(stage_text_raw(s, s->p->in_raw, s->p->out_raw, 1, "too few"), SCHAT_REJECTED);
    assert_int_equal(reason_of_last_rejection(), SCHAT_REJECT_RANDOM_BYTES);
  }
  assert_int_equal(stage_text(s, 1, "enough"), SCHAT_OK);
}

/* telethon-secret-chat 32e7585 tries version 1 after any error, for ever; TDLib 022d602 always tries it; tgl knows nothing else. */
static void version_1_does_not_open_once_version_2_was_seen(void **state) {
  (void)state;
  assert_int_equal(stage_text(s, 1, "version 2"), SCHAT_OK);
  s->p->mtproto = 1;
  assert_int_equal(stage_text_raw(s, s->p->in_raw, s->p->out_raw, 2, "version 1"), SCHAT_REJECTED);
  assert_int_equal(reason_of_last_rejection(), SCHAT_REJECT_NOT_AUTHENTIC);
  s->p->mtproto = 2;
  assert_int_equal(stage_text(s, 2, "version 2 again"), SCHAT_OK);
}

/* MadelineProto 8.3.5 begins to send in version 1; telethon-secret-chat 32e7585 falls back to it when its peer does. */
static void version_1_is_answered_in_version_2(void **state) {
  puppet_seen seen;
  (void)state;
  stage_slot(s)->chat.flags &= ~SCHAT__FLAG_SEEN_V2;
  stage_slot(s)->chat.peer_layer = 46;
  s->p->mtproto = 1;
  s->p->layer = 46;
  assert_int_equal(stage_text(s, 1, "version 1"), SCHAT_OK);
  assert_true(world_text(s->w, 0, s->chat_id, "the answer", NULL) >= 0);
  world_run(s->w);
  assert_true(s->sent_count > 0);
  for (size_t i = 0; i < s->sent_count; i++) assert_int_equal(stage_read(s, i, &seen), 1); /* which opens version 2 alone */
}

/* Jakobsen and Orlandi, "On the CCA (in)security of MTProto": a longer padding, and another last block, give another ciphertext that opens to
 * the same message. Version 2 hashes the padding. */
static void another_padding_is_not_the_same_message(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size;
  uint8_t *bytes = seal(o, (uint32_t)o.size, least_padding(o) + 16, &size), *changed = calloc(1, size + 16);
  (void)state;
  assert_non_null(changed);
  memcpy(changed, bytes, size);
  assert_int_equal(feed(changed, size + 16), SCHAT_REJECTED); /* a block more */
  assert_int_equal(feed(changed, size - 16), SCHAT_REJECTED); /* a block less, all of it padding */
  for (size_t i = 1; i <= 16; i++) {                          /* another last block */
    changed[size - i] ^= 0x80;
    assert_int_equal(feed(changed, size), SCHAT_REJECTED);
  }
  assert_int_equal(feed(bytes, size), SCHAT_OK);
  free(changed);
  free(bytes);
}

static int is_zero(const uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != 0) return 0;
  }
  return 1;
}

/* "Four Attacks and a Proof": IGE is malleable, so a byte shown before the verdict is a byte of the attacker's making. */
static void no_byte_of_a_refused_message_is_left(void **state) {
  uint8_t object[512];
  schat_bytes o = wrapped(object);
  size_t size, opened_size = 7;
  uint8_t *bytes = seal(o, (uint32_t)o.size, least_padding(o), &size), *work = malloc(size - 24);
  const uint8_t *opened = NULL;
  (void)state;
  assert_non_null(work);
  for (size_t at = 24; at < size; at += 5) {
    bytes[at] ^= 0x10;
    memset(work, 0x77, size - 24);
    assert_int_equal(
        schat__envelope_open(s->p->crypto, s->p->key, s->p->key_fingerprint, 2, s->p->originator, bytes, size, work, &opened, &opened_size),
        0);
    assert_true(is_zero(work, size - 24) && opened == NULL && opened_size == 7);
    bytes[at] ^= 0x10;
  }
  free(work);
  free(bytes);
}

/* "Four Attacks and a Proof": what the proof needs is that one message has one encoding. */
static void another_encoding_of_the_same_text_is_not_read(void **state) {
  uint8_t longer[128] = {0};
  schat_bytes text = puppet_text(s->p, 5, "text", 0), other = {longer, 0};
  (void)state;
  assert_int_equal(text.size, 28); /* id, flags, random_id, ttl, and the string in 8 bytes */
  memcpy(longer, text.data, 20);
  longer[20] = 254; /* the same four letters in the long form */
  longer[21] = 4;
  memcpy(longer + 24, "text", 4);
  other.size = 28;
  assert_int_equal(puppet_send(s->p, stage_manager(s), other, s->w->now), SCHAT_UNSUPPORTED_MESSAGE);
  assert_int_equal(puppet_send(s->p, stage_manager(s), text, s->w->now), SCHAT_OK);
  world_run(s->w);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 1);
}

/* vysheng/tg#306: "Assertion x == 0x20a6d4e2 || ... failed" at a constructor it did not know, once and then at every start, since the message
 * was in its log. Any number may stand there. */
static void an_unknown_constructor_ends_nothing(void **state) {
  uint8_t object[64] = {0};
  schat_bytes bytes = {object, sizeof object};
  (void)state;
  for (uint32_t i = 0; i < 40; i++) {
    schat__store32(object, i * 0x6b43a9b5u + 1);
    bytes.size = i % 16 * 4;
    assert_int_equal(puppet_send(s->p, stage_manager(s), bytes, s->w->now), SCHAT_UNSUPPORTED_MESSAGE);
  }
  world_run(s->w);
  world_restart(s->w, 0, 1);
  world_run(s->w);
  assert_int_equal(stage_text(s, 1, "and goes on"), SCHAT_OK);
  assert_int_equal(stage_count(s, SCHAT__ACTION_NOTIFY_LAYER), 1); /* told once what can be read */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(msg_key_is_compared_as_a_whole),
      TEST(a_lying_length_looks_like_a_wrong_msg_key),
      TEST(a_length_of_half_a_gigabyte_reads_nothing),
      TEST(more_than_1024_bytes_of_padding_are_refused),
      TEST(a_length_that_is_no_multiple_of_four_is_refused),
      TEST(junk_after_the_last_block_is_refused),
      TEST(fourteen_random_bytes_are_refused),
      TEST(version_1_does_not_open_once_version_2_was_seen),
      TEST(version_1_is_answered_in_version_2),
      TEST(another_padding_is_not_the_same_message),
      TEST(no_byte_of_a_refused_message_is_left),
      TEST(another_encoding_of_the_same_text_is_not_read),
      TEST(an_unknown_constructor_ends_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
