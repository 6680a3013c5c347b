/* SPDX-License-Identifier: BSL-1.0
 * test_flaws_keys.c - what others did wrong while two sides agree on a key, and that it cannot happen here. failures.tsv lists them all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "desk.h"
#include "manager/manager.h"

#define SIZE SCHAT__DH_SIZE

/* A prime of 2,048 bits whose half is composite. */
static const char unsafe_prime[] =
    "ff2c5147a25743623ee55b478a6c6a833386c5747f9df70fe58f11558bf515e01a08810c4414fb6d7764f8f679e93affe5dba86c87159763ba555800ff09944c"
    "327deb6781260b4d289a511d33b044971980e80559fa96a29561a8ceec176982a414a04067cd28586de7e9c801662aeeb63639072eefbf3246b43c859d1105d2"
    "bb427d3c4f6a5d7c60b3ba6256c177ccd3cb5d7977b9fe2ad7064e5c067af7cc4949eb38d2f593581e200fad201971b14245a9d89810793d77e3abb4eabc9c75"
    "88df196b335c08c0a5dfd49859d1e00fd5a780bc7d115938d4aed0583449210fa6a9b6205fa71a2e3f885e630f58d2fbb8d7d972c32f496649a1f098250effc7";

static void from_hex(const char *hex, uint8_t out[SIZE]) {
  BIGNUM *n = NULL;
  assert_int_equal(BN_hex2bn(&n, hex), 2 * SIZE);
  assert_int_equal(BN_bn2binpad(n, out, (int)SIZE), (int)SIZE);
  BN_free(n);
}

static int32_t last_reason(const desk *d) {
  const world_event *e = world_last(d->w, 0, SCHAT_EVENT_REJECTED);
  return e == NULL ? SCHAT_REJECT_NONE : e->reason;
}

/* The server offers this group to an account that wants to start a chat: refused, and no key is begun. */
static void refuses_group(int32_t g, const uint8_t p[SIZE]) {
  static const uint8_t noise[SIZE] = {7};
  desk *d = desk_new(1);
  schat_bytes prime = {p, SIZE}, random = {noise, sizeof noise};
  desk_create(d);
  assert_int_equal(desk_config_with(d, g, prime, 9, random), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_CONFIG);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 0);
  world_pass(d->w, 61000);
  assert_int_equal(desk_config(d), SCHAT_OK); /* the published group still serves */
  desk_free(d);
}

/* MadelineProto 8.3.5 Crypt.php:201-212 has the test of (p - 1) / 2 commented out; telethon-secret-chat 32e7585 and tg-secret 0.1.0 have
 * none. */
static void a_composite_half_prime_is_refused(void **state) {
  uint8_t p[SIZE];
  (void)state;
  from_hex(unsafe_prime, p);
  refuses_group(4, p);
}

/* telethon-secret-chat 32e7585: any number is taken for p. */
static void a_number_that_is_no_prime_is_refused(void **state) {
  uint8_t p[SIZE];
  (void)state;
  memcpy(p, desk_prime(), SIZE);
  p[SIZE - 1] ^= 2;
  refuses_group(4, p);
  p[SIZE - 1] ^= 1; /* even */
  refuses_group(4, p);
  memset(p, 0xff, SIZE);
  refuses_group(4, p);
}

/* telethon-secret-chat 32e7585: and of any size. */
static void a_short_prime_is_refused(void **state) {
  uint8_t p[SIZE];
  (void)state;
  memset(p, 0, SIZE);
  p[SIZE - 1] = 23;
  refuses_group(4, p);
  memcpy(p, desk_prime(), SIZE);
  p[0] &= 0x7f;
  refuses_group(4, p);
}

/* MadelineProto 8.3.5 (1 < g < p - 1 only) and telethon-secret-chat 32e7585 do not ask whether g generates the residues. */
static void a_generator_of_the_wrong_residue_class_is_refused(void **state) {
  static const int32_t wrong[] = {2, 5, 6, 0, 1, 8, -1, INT32_MAX};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) refuses_group(wrong[i], desk_prime());
}

/* A value that a peer answers with: the chat waits on, unharmed. */
static void refuses_value(desk *d, const uint8_t *value, size_t size) {
  schat_chat_update u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.g_a.data = value;
  u.g_a.size = size;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
  assert_int_equal(desk_state(d), SCHAT_STATE_WAITING_PEER);
}

static void power_of_two(uint8_t value[SIZE], unsigned bit) {
  memset(value, 0, SIZE);
  value[SIZE - 1 - bit / 8] = (uint8_t)(1u << bit % 8);
}

/* tgl ffb04ca mtproto-utils.c:75 takes values from 2^1983 on, and what it does not take it asserts (queries-encrypted.c:556, 612): any peer
 * ends the program. Kobeissi's thesis found such values unchecked in the Windows Phone client. */
static void a_public_value_out_of_range_is_refused_and_ends_nothing(void **state) {
  desk *d = desk_new(2);
  uint8_t value[SIZE];
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  for (unsigned bit = 0; bit < 1984; bit += bit < 1980 ? 90 : 1) {
    power_of_two(value, bit);
    refuses_value(d, value, SIZE);
  }
  memset(value, 0, SIZE);
  refuses_value(d, value, SIZE);
  refuses_value(d, desk_prime(), SIZE);
  memset(value, 0xff, SIZE);
  refuses_value(d, value, SIZE);
  refuses_value(d, value, 1);
  refuses_value(d, NULL, 0);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
  desk_free(d);
}

/* vysheng/tg#575: telegram-cli ends with an assertion when an invitation without a value is accepted (tgl_do_send_accept_encr_chat, E->g_key).
 * Here one without a byte asks nobody, and one with a value that is too small makes no key. */
static void an_invitation_without_a_lawful_value_ends_nothing(void **state) {
  desk *d = desk_new(3);
  schat_chat_update u;
  (void)state;
  d->chat_id = 5;
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  u.g_a.size = 0;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_INVITED), 0);
  u.g_a.size = 9;
  assert_int_equal(desk_tell(d, &u), SCHAT_OK);
  assert_int_equal(schat_chat_accept(desk_manager(d), 5, d->w->now), SCHAT_OK);
  world_drain(d->w, 0);
  assert_int_equal(desk_config(d), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), 0);
  assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
  desk_free(d);
}

/* vysheng/tg#575, the other half: an invitation outlives a restart with all that accepting it needs. */
static void an_invitation_is_accepted_after_a_restart(void **state) {
  desk *d = desk_new(4);
  schat_chat_update u;
  (void)state;
  desk_begin(d, 0, SCHAT_STATE_INVITED);
  world_restart(d->w, 0, 1);
  assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
  world_drain(d->w, 0);
  assert_int_equal(desk_config(d), SCHAT_OK);
  desk_agree(d);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  assert_int_equal(desk_answer(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, &u), SCHAT_OK);
  assert_int_equal(desk_state(d), SCHAT_STATE_READY);
  desk_free(d);
}

/* TDLib BigNum.cpp to_binary sends values without their leading zeros; a client that insists on 256 bytes cannot talk to it. */
static void a_public_value_without_its_leading_zeros_is_taken(void **state) {
  desk *d = desk_new(5);
  uint8_t value[SIZE], key[SIZE];
  schat_chat_update u;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  power_of_two(value, 1984);
  assert_int_equal(schat__dh_key(d->crypto, desk_prime(), value, desk_slot(d)->secrets->exponent, key), SCHAT_OK);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.g_a.data = value + 7;
  u.g_a.size = SIZE - 7;
  assert_int_equal(schat__key_fingerprint(d->crypto, key, &u.key_fingerprint), SCHAT_OK);
  assert_int_equal(desk_tell(d, &u), SCHAT_OK);
  assert_memory_equal(desk_slot(d)->chat.key, key, SIZE);
  desk_free(d);
}

/* Raccoon, and TDLib's BN_num_bytes with an offset: a key that begins with zeros is 256 bytes like any other, and hashed as such. */
static void a_key_with_leading_zeros_has_256_bytes(void **state) {
  schat__crypto *crypto = NULL;
  uint8_t base[SIZE] = {0}, exponent[SIZE] = {0}, key[SIZE], stripped[SIZE];
  int64_t fingerprint = 0;
  uint8_t hash[20];
  (void)state;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  base[SIZE - 1] = 2;
  exponent[SIZE - 2] = 7; /* 2^2000 */
  exponent[SIZE - 1] = 208;
  memset(key, 0xee, sizeof key);
  assert_int_equal(schat__dh_key(crypto, desk_prime(), base, exponent, key), SCHAT_OK);
  power_of_two(stripped, 2000);
  assert_memory_equal(key, stripped, SIZE);
  assert_int_equal(schat__key_fingerprint(crypto, key, &fingerprint), SCHAT_OK);
  assert_int_equal(schat__sha1(crypto, hash, stripped + 5, SIZE - 5, NULL, 0), SCHAT_OK); /* what a stripped key would give */
  assert_true(fingerprint != schat__int64(schat__load64(hash + 12)));
  schat__crypto_free(crypto);
}

/* Whatever the server says around the peer's value, from one state of the account. */
static void vary_the_server(desk *d, const memstore *image, uint64_t n) {
  const uint64_t mixed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
  schat_chat_update u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  desk_rewind(d, image);
  u.access_hash = schat__int64(mixed);
  u.date = (int32_t)(mixed >> 34);
  u.folder_id = (int32_t)(mixed >> 40);
  u.history_deleted = (int32_t)(mixed >> 63);
  assert_int_equal(desk_tell(d, &u), SCHAT_OK);
  assert_memory_equal(desk_slot(d)->chat.key, d->key, SIZE);
}

/* The nonce of 2013 (habr 206900, Filippo Valsorda's account of it): the key was XORed with bytes of the server, which could so make both
 * pictures alike in the middle of two exchanges. Over 10^4 answers when FAILURES_LONG is set, 200 otherwise. */
static void no_byte_of_the_server_is_in_the_key(void **state) {
  const uint64_t answers = getenv("FAILURES_LONG") != NULL ? 10000 : 200;
  desk *d = desk_new(6);
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_REQUESTING);
  memstore *image = desk_image(d);
  for (uint64_t n = 0; n < answers; n++) vary_the_server(d, image, n);
  memstore_free(image);
  desk_free(d);
}

/* MadelineProto, telethon-secret-chat: server bytes as the exponent. With the same bytes of the server two exponents differ, and neither is
 * those bytes. */
static void the_servers_random_bytes_are_never_the_exponent(void **state) {
  uint8_t random[SIZE], exponents[2][SIZE];
  schat_bytes bytes = {random, SIZE}, prime = {desk_prime(), SIZE};
  (void)state;
  memset(random, 0x5a, SIZE);
  for (uint64_t i = 0; i < 2; i++) {
    desk *d = desk_new(70 + i);
    desk_create(d);
    assert_int_equal(desk_config_with(d, 3, prime, 7, bytes), SCHAT_OK);
    memcpy(exponents[i], desk_slot(d)->secrets->exponent, SIZE);
    assert_memory_not_equal(exponents[i], random, SIZE);
    desk_free(d);
  }
  assert_memory_not_equal(exponents[0], exponents[1], SIZE);
}

/* "DH hash collision" and the 2^64 argument of Rad and Rizzo: clients before layer 46 compared 128 bits. All 288 count here, and each shows. */
static void the_picture_has_288_bits(void **state) {
  uint8_t hash[SCHAT_KEY_HASH_SIZE] = {0}, cells[2][SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE];
  (void)state;
  schat_key_picture(hash, cells[0]);
  for (size_t bit = 0; bit < 8 * sizeof hash; bit++) {
    hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
    schat_key_picture(hash, cells[1]);
    assert_memory_not_equal(cells[0], cells[1], sizeof cells[0]);
    hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

/* vysheng/tgl#104: after a restart the picture was grey. */
static void the_picture_is_there_after_a_restart(void **state) {
  world *w = world_new(8, 2);
  int32_t id = world_chat(w, 0, 1);
  schat_chat_info before = world_info(w, 0, id), after;
  static const uint8_t grey[SCHAT_KEY_HASH_SIZE];
  (void)state;
  assert_memory_not_equal(before.key_hash, grey, sizeof grey);
  world_restart(w, 0, 1);
  after = world_info(w, 0, id);
  assert_memory_equal(after.key_hash, before.key_hash, sizeof before.key_hash);
  assert_memory_equal(after.key_hash, world_info(w, 1, id).key_hash, sizeof before.key_hash);
  world_free(w);
}

/* Miculan and Vitacolonna, authentication-1..6: without the comparison of pictures the server stands in the middle. Nothing is verified and
 * nothing accepted but by a person. */
static void nothing_is_verified_or_accepted_by_itself(void **state) {
  desk *d = desk_new(9);
  schat_chat_info info;
  (void)state;
  desk_begin(d, 0, SCHAT_STATE_INVITED);
  world_pass(d->w, INT64_C(30) * 86400000);
  assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION) + world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), 0);
  desk_free(d);
  d = desk_new(10);
  desk_begin(d, 1, SCHAT_STATE_READY);
  info = world_info(d->w, 0, d->chat_id);
  assert_int_equal(info.flags & SCHAT_CHAT_VERIFIED, 0);
  desk_free(d);
}

/* Miculan and Vitacolonna: sessions are mixed when the server answers one chat with the half of another. The half of a live chat is refused
 * in every other. */
static void a_half_of_one_chat_does_not_answer_another(void **state) {
  desk *d = desk_new(11);
  int32_t own;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  own = d->chat_id;
  d->chat_id = 5;
  d->originator = 0;
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_REQUESTED), SCHAT_OK);
  d->chat_id = own;
  d->originator = 1;
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  desk_free(d);
}

/* The same work: a message that the server carries into another chat of the same two people does not open there. */
static void a_message_of_one_chat_does_not_open_in_another(void **state) {
  world *w = world_new(12, 2);
  int32_t first = world_chat(w, 0, 1), second = world_chat(w, 1, 0);
  puppet *p = puppet_new(w->peers[0].manager, first);
  size_t size;
  uint8_t *bytes =
      puppet_seal(p, schat__wire_in(1, p->originator), schat__wire_out(p->out_raw, p->originator), puppet_text(p, 1, "text", 0), &size);
  (void)state;
  assert_int_equal(puppet_feed(w->peers[0].manager, second, bytes, size, w->now), SCHAT_REJECTED);
  assert_int_equal(puppet_feed(w->peers[0].manager, first, bytes, size, w->now), SCHAT_OK);
  free(bytes);
  puppet_free(p);
  world_free(w);
}

/* majn/telegram-purple#169: a second chat with the same person ended the program. */
static void two_chats_with_one_person_are_two_chats(void **state) {
  world *w = world_new(13, 2);
  int32_t first = world_chat(w, 0, 1), second = world_chat(w, 0, 1);
  (void)state;
  assert_true(first != second);
  assert_int_equal(world_text(w, 0, first, "to the first", NULL), SCHAT_OK);
  assert_int_equal(world_text(w, 0, second, "to the second", NULL), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 2);
  assert_memory_not_equal(world_info(w, 0, first).key_hash, world_info(w, 0, second).key_hash, SCHAT_KEY_HASH_SIZE);
  world_free(w);
}

/* How often a call stands in a source file. */
static size_t calls(const char *file, const char *name) {
  static char text[1u << 17];
  char path[512];
  size_t found = 0, length = strlen(name);
  (void)snprintf(path, sizeof path, "%s/%s", SCHAT_SOURCE_DIR, file);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  const size_t size = fread(text, 1, sizeof text, f);
  (void)fclose(f);
  assert_true(size > length && size < sizeof text);
  for (size_t i = 0; i + length <= size; i++) found += memcmp(text + i, name, length) == 0;
  return found;
}

/* TDLib 022d602 BigNum.cpp:310, tgl ffb04ca (BN_mod_exp), Android 03a6abc (BigInteger): an exponentiation whose time tells of the exponent. */
static void the_exponentiation_is_the_one_of_constant_time(void **state) {
  static const char *const never[] = {"BN_mod_exp(", "BN_mod_exp_mont(", "BN_mod_exp_simple(", "BN_bn2bin(", "BN_free("};
  (void)state;
  assert_int_equal(calls("src/crypto/dh.c", "BN_mod_exp_mont_consttime("), 1);
  assert_int_equal(calls("src/crypto/dh.c", "BN_bn2binpad("), 1);
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) assert_int_equal(calls("src/crypto/dh.c", never[i]), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_composite_half_prime_is_refused),
      cmocka_unit_test(a_number_that_is_no_prime_is_refused),
      cmocka_unit_test(a_short_prime_is_refused),
      cmocka_unit_test(a_generator_of_the_wrong_residue_class_is_refused),
      cmocka_unit_test(a_public_value_out_of_range_is_refused_and_ends_nothing),
      cmocka_unit_test(an_invitation_without_a_lawful_value_ends_nothing),
      cmocka_unit_test(an_invitation_is_accepted_after_a_restart),
      cmocka_unit_test(a_public_value_without_its_leading_zeros_is_taken),
      cmocka_unit_test(a_key_with_leading_zeros_has_256_bytes),
      cmocka_unit_test(no_byte_of_the_server_is_in_the_key),
      cmocka_unit_test(the_servers_random_bytes_are_never_the_exponent),
      cmocka_unit_test(the_picture_has_288_bits),
      cmocka_unit_test(the_picture_is_there_after_a_restart),
      cmocka_unit_test(nothing_is_verified_or_accepted_by_itself),
      cmocka_unit_test(a_half_of_one_chat_does_not_answer_another),
      cmocka_unit_test(a_message_of_one_chat_does_not_open_in_another),
      cmocka_unit_test(two_chats_with_one_person_are_two_chats),
      cmocka_unit_test(the_exponentiation_is_the_one_of_constant_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
