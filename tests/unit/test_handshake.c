/* SPDX-License-Identifier: BSL-1.0
 * test_handshake.c - from the wish for a chat to its key: what the server and the peer say is checked, and what is made is ours alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "crypto/engine.h"
#include "desk.h"
#include "manager/manager.h"

#define SIZE 256u

static const schat_bytes no_bytes = {NULL, 0};

static schat_bytes prime_bytes(void) {
  schat_bytes p = {NULL, SIZE};
  p.data = desk_prime();
  return p;
}

static int last_reason(const desk *d) {
  const world_event *e = world_last(d->w, 0, SCHAT_EVENT_REJECTED);
  return e == NULL ? SCHAT_REJECT_NONE : e->reason;
}

static size_t asked_for_a_chat(const desk *d) {
  return world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION) + world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION);
}

/* Ends a desk's chat in READY, from WAITING_PEER or ACCEPTING. */
static void comes_to_the_key(desk *d) {
  const schat__chat *chat = &desk_slot(d)->chat;
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
  assert_int_equal(chat->state, SCHAT_STATE_READY);
  assert_memory_equal(chat->key, d->key, SIZE);
  assert_true(chat->key_fingerprint == d->fingerprint);
}

/* The configuration ------------------------------------------------------------------------------------------------------------ */

/* R-DH-01 accept: every creation and every acceptance asks for the configuration first; the request itself waits for the answer. */
static void every_key_begins_with_the_configuration(void **state) {
  size_t n;
  (void)state;
  for (n = 0; n < 2; n++) {
    desk *d = desk_new(1 + n);
    size_t round;
    for (round = 0; round < 3; round++) {
      int32_t ask = n == 0 ? SCHAT_REQUEST_REQUEST_ENCRYPTION : SCHAT_REQUEST_ACCEPT_ENCRYPTION;
      d->chat_id = 100 + (int32_t)round;
      world_forget(d->w);
      if (n == 0) {
        desk_create(d);
      } else {
        schat_chat_update u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
        uint8_t exponent[SIZE], value[SIZE];
        assert_int_equal(schat__dh_generate(d->crypto, desk_prime(), 3, NULL, 0, exponent, value), SCHAT_OK);
        u.g_a.data = value;
        assert_int_equal(desk_tell(d, &u), SCHAT_OK);
        assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
        world_drain(d->w, 0);
      }
      assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), 1);
      assert_int_equal(world_requests(d->w, 0, ask), 0);
      assert_int_equal(round == 0 ? desk_config(d) : desk_not_modified(d), SCHAT_OK); /* the one that is held is used */
      assert_int_equal(world_requests(d->w, 0, ask), 1);
      assert_int_equal(world_last_request(d->w, 0, ask)->size, SIZE); /* D-14 */
    }
    desk_free(d);
  }
}

typedef struct {
  uint64_t version, length;
  int count;
} asked;

static void note_version(desk *d, asked *a) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(desk_manager(d), &effect) == SCHAT_OK) {
    if (effect.request != NULL && effect.request->type == SCHAT_REQUEST_GET_DH_CONFIG) {
      a->version = (uint64_t)effect.request->version;
      a->length = (uint64_t)effect.request->random_length;
      a->count++;
    }
    schat_pop(desk_manager(d));
  }
}

/* R-DH-01: the version of what is held goes with the question, through a restart too; 0 when nothing is held. */
static void the_held_version_goes_with_the_question(void **state) {
  desk *d = desk_new(3);
  asked a = {9, 0, 0};
  int32_t other;
  (void)state;
  assert_int_equal(schat_chat_create(desk_manager(d), d->other, d->w->now, &d->chat_id), SCHAT_OK);
  note_version(d, &a);
  assert_int_equal(a.version, 0);
  assert_int_equal(a.length, 256);
  desk_create(d);
  assert_int_equal(desk_config(d), SCHAT_OK);
  assert_int_equal(schat_chat_create(desk_manager(d), d->other, d->w->now, &other), SCHAT_OK);
  note_version(d, &a);
  assert_int_equal(a.version, 7);
  world_restart(d->w, 0, 1);
  assert_int_equal(schat_chat_create(desk_manager(d), d->other, d->w->now, &other), SCHAT_OK);
  note_version(d, &a);
  assert_int_equal(a.version, 7);
  assert_int_equal(a.count, 5);
  desk_free(d);
}

static int config_of(desk *d, int32_t g, const uint8_t *p, size_t size) {
  schat_bytes bytes;
  bytes.data = p;
  bytes.size = size;
  return desk_config_with(d, g, bytes, 7, no_bytes);
}

/* The configuration is refused: no exponent, no request, asked again later. */
static void config_is_refused(desk *d, int32_t g, const uint8_t *p, size_t size) {
  size_t asks = world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG);
  assert_int_equal(config_of(d, g, p, size), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_CONFIG);
  assert_int_equal(desk_manager(d)->env.config_count, 0);
  assert_int_equal(asked_for_a_chat(d), 0);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), asks);
  world_pass(d->w, 61000);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), asks + 1);
}

/* R-DH-02..05 reject, through the manager, in both roles; the good one is taken afterwards (R-DH-05 accept: g = 3, 4, 7). */
static void a_bad_configuration_makes_no_key(void **state) {
  static const int32_t bad[] = {2, 5, 6, 0, 1, 8, -1, -3, 259, INT32_MAX, INT32_MIN};
  static const int32_t good[] = {3, 4, 7};
  uint8_t p[SIZE + 1];
  size_t i, role;
  (void)state;
  for (role = 0; role < 6; role++) {
    desk *d = desk_new(10 + role);
    if (role % 2 == 0) {
      desk_create(d);
    } else {
      assert_int_equal(desk_invite(d), SCHAT_OK);
      assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
      world_drain(d->w, 0);
    }
    for (i = 0; role < 2 && i < sizeof bad / sizeof bad[0]; i++) config_is_refused(d, bad[i], desk_prime(), SIZE);
    memcpy(p, desk_prime(), SIZE);
    p[0] &= 0x7f; /* 2,047 bits */
    if (role < 2) config_is_refused(d, 4, p, SIZE);
    memcpy(p, desk_prime(), SIZE);
    p[SIZE - 1] ^= 1; /* even */
    if (role < 2) config_is_refused(d, 4, p, SIZE);
    memset(p, 0, sizeof p);
    p[0] = 0x80;
    p[SIZE - 1] = 1; /* 2^2047 + 1 */
    if (role < 2) config_is_refused(d, 4, p, SIZE);
    p[0] = 1; /* 2,049 bits */
    memcpy(p + 1, desk_prime(), SIZE);
    if (role < 2) config_is_refused(d, 4, p, SIZE + 1);
    if (role < 2) config_is_refused(d, 4, desk_prime(), SIZE - 1);
    if (role < 2) config_is_refused(d, 4, NULL, 0);
    assert_int_equal(config_of(d, good[role / 2], desk_prime(), SIZE), SCHAT_OK);
    assert_int_equal(asked_for_a_chat(d), 1);
    desk_free(d);
  }
}

/* R-DH-06 accept: the published prime, known by its hash, passes without having been tested. */
static void the_published_prime_is_built_in(void **state) {
  static const uint8_t known[32] = {0x02, 0xf8, 0x5e, 0x76, 0x87, 0xfc, 0x6f, 0x33, 0xba, 0x67, 0x82, 0x26, 0xa9, 0x63, 0xb3, 0xc8,
                                    0xa1, 0x91, 0xb4, 0x7c, 0x89, 0x0c, 0xf3, 0x0d, 0xeb, 0xe1, 0x7c, 0x1d, 0x62, 0x3b, 0x5a, 0xf1};
  desk *d = desk_new(21);
  uint8_t hash[32];
  (void)state;
  assert_int_equal(schat__sha256(d->crypto, hash, desk_prime(), SIZE, NULL, 0), SCHAT_OK);
  assert_memory_equal(hash, known, sizeof hash);
  desk_create(d);
  assert_int_equal(desk_config(d), SCHAT_OK);
  assert_int_equal(desk_manager(d)->env.crypto->dh.next_proven, 0); /* the long test has proven nothing */
  desk_free(d);
}

/* R-DH-06: a prime that is held passes without the long test, and its g is still looked at. */
static void a_known_prime_does_not_vouch_for_its_generator(void **state) {
  desk *d = desk_new(20);
  (void)state;
  desk_create(d);
  assert_int_equal(desk_config(d), SCHAT_OK);
  desk_create(d);
  assert_int_equal(config_of(d, 2, desk_prime(), SIZE), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_CONFIG);
  assert_int_equal(desk_state(d), SCHAT_STATE_REQUESTING);
  assert_null(desk_slot(d)->secrets);
  desk_free(d);
}

/* R-DH-01 reject: "not modified" where nothing is held; nothing is made, and a real answer later is taken. */
static void not_modified_without_a_cache_is_refused(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(30 + (uint64_t)role);
    size_t flights;
    if (role == 0) {
      desk_create(d);
    } else {
      assert_int_equal(desk_invite(d), SCHAT_OK);
      assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
      world_drain(d->w, 0);
    }
    flights = desk_manager(d)->env.flight_count;
    assert_int_equal(desk_not_modified(d), SCHAT_REJECTED);
    assert_int_equal(last_reason(d), SCHAT_REJECT_DH_NOT_FRESH);
    assert_int_equal(asked_for_a_chat(d), 0);
    assert_int_equal(desk_config(d), SCHAT_IGNORED); /* that question is over */
    world_pass(d->w, 2000);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), 2);
    assert_int_equal(desk_manager(d)->env.flight_count, flights); /* nothing piles up */
    assert_int_equal(desk_config(d), SCHAT_OK);
    assert_int_equal(asked_for_a_chat(d), 1);
    desk_free(d);
  }
}

/* Values ------------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  uint8_t bytes[SIZE + 2];
  size_t size;
  int good;
} candidate;

/* sign * 2^bits + add, mod p when negative (p - 2^bits + add). */
static void set_power(uint8_t out[SIZE], unsigned bits, int mirrored, int add) {
  BIGNUM *n = BN_new(), *p = BN_bin2bn(desk_prime(), (int)SIZE, NULL);
  assert_int_equal(BN_set_bit(n, (int)bits), 1);
  if (mirrored) assert_int_equal(BN_sub(n, p, n), 1);
  if (add >= 0) assert_int_equal(BN_add_word(n, (BN_ULONG)add), 1);
  if (add < 0) assert_int_equal(BN_sub_word(n, (BN_ULONG)-add), 1);
  assert_int_equal(BN_bn2binpad(n, out, (int)SIZE), (int)SIZE);
  BN_free(n);
  BN_free(p);
}

static int is_residue(const uint8_t value[SIZE]) {
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *n = BN_bin2bn(value, (int)SIZE, NULL), *p = BN_bin2bn(desk_prime(), (int)SIZE, NULL);
  int symbol = BN_kronecker(n, p, ctx);
  BN_free(n);
  BN_free(p);
  BN_CTX_free(ctx);
  return symbol == 1;
}

static candidate *next_candidate(candidate *list, size_t *count, const char *name, int good) {
  candidate *c = &list[(*count)++];
  memset(c, 0, sizeof *c);
  c->name = name;
  c->size = SIZE;
  c->good = good;
  return c;
}

/* What a server may put in the place of the peer's value. */
static size_t make_candidates(candidate list[48], const uint8_t honest[SIZE]) {
  size_t n = 0;
  int add, i;
  candidate *c;
  for (i = 0; i < 3; i++) next_candidate(list, &n, "0, 1, 2", 0)->bytes[SIZE - 1] = (uint8_t)i;
  for (i = -2; i <= 1; i++) { /* R-DH-07 */
    c = next_candidate(list, &n, "p-2 .. p+1", 0);
    memcpy(c->bytes, desk_prime(), SIZE);
    c->bytes[SIZE - 1] = (uint8_t)(c->bytes[SIZE - 1] + i);
  }
  for (add = -1; add <= 1; add++) { /* R-DH-08; what is in range must be a residue too */
    c = next_candidate(list, &n, "around 2^1984", 0);
    set_power(c->bytes, 1984, 0, add);
    c->good = add >= 0 && is_residue(c->bytes);
    c = next_candidate(list, &n, "around p - 2^1984", 0);
    set_power(c->bytes, 1984, 1, add);
    c->good = add <= 0 && is_residue(c->bytes);
  }
  set_power(next_candidate(list, &n, "in range, a residue", 1)->bytes, 1985, 1, 0);
  set_power(next_candidate(list, &n, "in range, no residue (X-06)", 0)->bytes, 1985, 0, 0);
  for (i = 0; i <= 7; i++) { /* D-14: 249 to 256 bytes of 2^1984 + 4^k */
    c = next_candidate(list, &n, "without leading zeros", 1);
    set_power(c->bytes, 1984 + 2 * (unsigned)(i % 3), 0, 0);
    memmove(c->bytes, c->bytes + (i < 6 ? i : 6), SIZE - (size_t)(i < 6 ? i : 6));
    c->size = SIZE - (size_t)(i < 6 ? i : 6);
  }
  c = next_candidate(list, &n, "257 bytes", 1);
  memcpy(c->bytes + 1, honest, SIZE);
  c->size = SIZE + 1;
  c = next_candidate(list, &n, "257 bytes that count", 0);
  memcpy(c->bytes + 1, honest, SIZE);
  c->bytes[0] = 1;
  c->size = SIZE + 1;
  c = next_candidate(list, &n, "258 bytes", 0);
  memcpy(c->bytes + 2, honest, SIZE);
  c->size = SIZE + 2;
  next_candidate(list, &n, "nothing", 0)->size = 0;
  next_candidate(list, &n, "one byte", 0)->size = 1;
  list[n - 1].bytes[0] = 4;
  c = next_candidate(list, &n, "248 bytes", 0);
  memset(c->bytes, 0xff, SIZE - 8);
  c->size = SIZE - 8;
  memcpy(next_candidate(list, &n, "the honest value", 1)->bytes, honest, SIZE);
  return n;
}

static void pad_candidate(const candidate *c, uint8_t value[SIZE]) {
  size_t skip = c->size > SIZE ? c->size - SIZE : 0;
  memset(value, 0, SIZE);
  memcpy(value + SIZE - (c->size - skip), c->bytes + skip, c->size - skip);
}

/* R-DH-07, R-DH-08, X-06, D-14 accept and reject, in encryptedChat; D-32: at creation. A rejected value leaves no trace. */
static void the_acceptors_value_is_judged(void **state) {
  desk *d = desk_new(40);
  candidate list[48];
  size_t n, i;
  memstore *image;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  n = make_candidates(list, d->value);
  image = desk_image(d);
  for (i = 0; i < n; i++) {
    schat_chat_update u;
    schat__chat before;
    uint8_t value[SIZE], key[SIZE];
    desk_rewind(d, image);
    before = desk_slot(d)->chat;
    u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
    u.g_a.data = list[i].bytes;
    u.g_a.size = list[i].size;
    pad_candidate(&list[i], value);
    assert_int_equal(schat__dh_key(d->crypto, desk_prime(), value, desk_slot(d)->secrets->exponent, key), SCHAT_OK);
    assert_int_equal(schat__key_fingerprint(d->crypto, key, &u.key_fingerprint), SCHAT_OK); /* a server cannot know it: the worst case */
    if (desk_tell(d, &u) != (list[i].good ? SCHAT_OK : SCHAT_REJECTED)) fail_msg("%s (%zu)", list[i].name, i);
    if (list[i].good) {
      assert_int_equal(desk_state(d), SCHAT_STATE_READY);
      assert_memory_equal(desk_slot(d)->chat.key, key, SIZE);
    } else {
      assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
      assert_true(desk_unchanged(d, image, &before));
      comes_to_the_key(d); /* and the honest one is still welcome */
    }
  }
  memstore_free(image);
  desk_free(d);
}

/* The same of the value in an invitation, which is judged when the configuration is there: the user's choice remains. */
static void the_originators_value_is_judged(void **state) {
  candidate list[48];
  desk *d = desk_new(41);
  size_t n = make_candidates(list, d->value), i;
  memstore *image = desk_image(d);
  (void)state;
  d->chat_id = -9;
  for (i = 0; i < n; i++) {
    schat_chat_update u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
    int status, form;
    desk_rewind(d, image);
    world_forget(d->w);
    u.g_a.data = list[i].bytes;
    u.g_a.size = list[i].size;
    form = list[i].size > 0 && (list[i].size <= SIZE || (list[i].size == SIZE + 1 && list[i].bytes[0] == 0));
    status = desk_tell(d, &u);
    assert_int_equal(status, form ? SCHAT_OK : SCHAT_REJECTED);
    if (!form) {
      assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
      assert_int_equal(desk_state(d), SCHAT_STATE_NONE);
      assert_true(memstore_equal(image, d->w->peers[0].store));
      continue;
    }
    assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
    world_drain(d->w, 0);
    if (desk_config(d) != (list[i].good ? SCHAT_OK : SCHAT_REJECTED)) fail_msg("%s (%zu)", list[i].name, i);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), list[i].good);
    assert_int_equal(desk_state(d), list[i].good ? SCHAT_STATE_ACCEPTING : SCHAT_STATE_INVITED);
    if (list[i].good) continue;
    assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
    assert_int_equal(desk_slot(d)->chat.key_since, 0);
    assert_int_equal(desk_slot(d)->secrets->has, SCHAT__HAS_PEER);
    assert_int_equal(schat_chat_discard(desk_manager(d), d->chat_id, 0, d->w->now), SCHAT_OK);
  }
  memstore_free(image);
  desk_free(d);
}

/* our own value sent back; X-09: a value of another live chat; D-32. */
static void a_value_that_was_seen_before_is_refused(void **state) {
  desk *d = desk_new(42);
  schat_chat_update u;
  schat__chat before;
  memstore *image;
  uint8_t first[SIZE];
  int32_t first_id;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_READY);
  memcpy(first, d->library, SIZE);
  first_id = d->chat_id;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  image = desk_image(d);
  before = desk_slot(d)->chat;
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED); /* the peer's value of the first chat */
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_true(desk_unchanged(d, image, &before));
  u.g_a.data = d->library;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED); /* our own of this chat */
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_VALUE);
  u.g_a.data = first;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED); /* our own of the first chat */
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_true(desk_unchanged(d, image, &before));
  desk_rewind(d, image); /* it is remembered through a restart */
  u.g_a.data = d->value;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_int_equal(schat_chat_discard(desk_manager(d), first_id, 0, d->w->now), SCHAT_OK);
  comes_to_the_key(d); /* values of closed chats are forgotten */
  memstore_free(image);
  desk_free(d);
}

/* an invitation cannot be made of what another chat has shown, and two invitations cannot share a value. */
static void an_invitation_with_a_value_of_another_chat_is_refused(void **state) {
  desk *d = desk_new(43);
  schat_chat_update u;
  uint8_t library[SIZE];
  int32_t own;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  own = d->chat_id;
  memcpy(library, d->library, SIZE);
  d->chat_id = 5;
  d->originator = 0;
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  u.g_a.data = library;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_int_equal(desk_state(d), SCHAT_STATE_NONE);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_REQUESTED), SCHAT_OK);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_REQUESTED), SCHAT_DUPLICATE);
  d->chat_id = 6;
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_REQUESTED), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_INVITED), 1);
  d->chat_id = own; /* what the peer offers in one chat does not answer for another: the mixing of sessions */
  d->originator = 1;
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_DH_REUSED);
  assert_int_equal(desk_state(d), SCHAT_STATE_WAITING_PEER);
  d->chat_id = 5;
  d->originator = 0;
  assert_int_equal(schat_chat_accept(desk_manager(d), 5, d->w->now), SCHAT_OK); /* its own value does not stand in its own way */
  world_drain(d->w, 0);
  assert_int_equal(desk_config(d), SCHAT_OK);
  assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
  desk_free(d);
}

/* Feeds what an originator sends to the other originator, as a server would that hands messages from one session to the other. */
static size_t redirect(world *w, size_t from, int32_t to_id) {
  schat_effect effect;
  size_t sends = 0;
  SCHAT_INIT(effect);
  while (schat_peek(w->peers[from].manager, &effect) == SCHAT_OK) {
    if (effect.request != NULL && effect.request->type == SCHAT_REQUEST_SEND_SERVICE) {
      schat_encrypted_message m;
      SCHAT_INIT(m);
      m.chat_id = to_id;
      m.date = relay_date(w->now);
      m.bytes = effect.request->data;
      assert_int_equal(schat_input_message(w->peers[1 - from].manager, &m, 0, w->now), SCHAT_REJECTED);
      assert_int_equal(puppet_slot(w->peers[1 - from].manager, to_id)->chat.in_seq, 0);
      sends++;
    }
    schat_pop(w->peers[from].manager);
  }
  return sends;
}

/* The mixing of sessions: each opened a chat to the other, the server hands each the other's half. Without the key it cannot name the
 * fingerprint, so neither gets a chat; and had it guessed, what one sends as originator never opens for another originator (R-ENC-07). */
static void halves_of_two_chats_do_not_make_one(void **state) {
  world *w = world_new(44, 2);
  schat_chat_update u[2];
  uint8_t values[2][SIZE], key[SIZE];
  int32_t id[2];
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) w->peers[i].deaf = 1; /* invitations do not arrive: the server wants them unseen */
  for (i = 0; i < 2; i++) assert_int_equal(schat_chat_create(w->peers[i].manager, w->peers[1 - i].user_id, w->now, &id[i]), SCHAT_OK);
  world_run(w);
  for (i = 0; i < 2; i++) memcpy(values[i], puppet_slot(w->peers[i].manager, id[i])->secrets->own, SIZE);
  for (i = 0; i < 2; i++) {
    const schat__slot *slot = puppet_slot(w->peers[i].manager, id[i]);
    memstore *image = world_image(w, i), *old = w->peers[i].store;
    SCHAT_INIT(u[i]);
    u[i].type = SCHAT_CHAT_UPDATE_CHAT;
    u[i].chat_id = id[i];
    u[i].access_hash = slot->chat.access_hash;
    u[i].date = slot->chat.date;
    u[i].admin_id = w->peers[i].user_id;
    u[i].participant_id = w->peers[1 - i].user_id;
    u[i].g_a.data = values[1 - i];
    u[i].g_a.size = SIZE;
    assert_int_equal(schat_input_chat(w->peers[i].manager, &u[i], w->now), SCHAT_CHAT_CLOSED);
    world_drain(w, i);
    assert_int_equal(world_last(w, i, SCHAT_EVENT_CLOSED)->reason, SCHAT_CLOSE_KEY_MISMATCH);
    w->peers[i].store = image; /* once more, with the fingerprint */
    world_restart(w, i, 0);
    memstore_free(old);
    slot = puppet_slot(w->peers[i].manager, id[i]);
    assert_int_equal(schat__dh_key(w->peers[i].manager->env.crypto, desk_prime(), values[1 - i], slot->secrets->exponent, key), SCHAT_OK);
    assert_int_equal(schat__key_fingerprint(w->peers[i].manager->env.crypto, key, &u[i].key_fingerprint), SCHAT_OK);
    assert_int_equal(schat_input_chat(w->peers[i].manager, &u[i], w->now), SCHAT_OK);
    assert_int_equal(slot->chat.state, SCHAT_STATE_READY);
  }
  assert_memory_equal(world_info(w, 0, id[0]).key_hash, world_info(w, 1, id[1]).key_hash, SCHAT_KEY_HASH_SIZE); /* the pictures are alike */
  for (i = 0; i < 2; i++) assert_int_equal(redirect(w, i, id[1 - i]), 1);
  world_free(w);
}

/* The key ------------------------------------------------------------------------------------------------------------------------- */

/* R-DH-11, R-DH-12, X-08: whatever the server says around it, the key is the peer's value to the power of our exponent. */
static void the_key_depends_on_no_byte_of_the_server(void **state) {
  desk *d = desk_new(50);
  memstore *image;
  uint64_t n;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_REQUESTING);
  image = desk_image(d);
  for (n = 0; n < 40; n++) {
    schat_chat_update u, waiting;
    desk_rewind(d, image);
    u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
    u.access_hash = (int64_t)(n * UINT64_C(0x9e3779b97f4a7c15));
    u.date = (int32_t)(n * 40503);
    u.folder_id = (int32_t)n;
    u.history_deleted = n % 2 != 0;
    waiting = u;
    waiting.type = SCHAT_CHAT_UPDATE_WAITING;
    if (n % 3 != 0) assert_int_equal(desk_answer(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, &waiting), SCHAT_OK);
    assert_int_equal(desk_tell(d, &u), SCHAT_OK);
    assert_memory_equal(desk_slot(d)->chat.key, d->key, SIZE);
    assert_true(desk_slot(d)->chat.key_fingerprint == d->fingerprint);
  }
  memstore_free(image);
  desk_free(d);
}

/* R-DH-10, D-15, X-08: the server's random bytes change the exponent and stand in it nowhere; the key is made of the exponent alone. */
static void server_random_is_mixed_into_the_exponent_only(void **state) {
  static const int fills[] = {0x00, 0xff, 0x5a, 0x5a};
  static const size_t sizes[] = {0, 1, 255, 256, 257};
  uint8_t random[SIZE + 1], exponents[9][SIZE];
  size_t i, k;
  (void)state;
  for (i = 0; i < 9; i++) {
    desk *d = desk_new(51);
    schat_bytes bytes = {random, 0};
    memset(random, i < 4 ? fills[i] : 0x77, sizeof random);
    bytes.size = i < 4 ? SIZE : sizes[i - 4];
    d->w->peers[0].random_state = 4712; /* the local source repeats, too */
    desk_create(d);
    assert_int_equal(desk_config_with(d, 3, prime_bytes(), 7, bytes), SCHAT_OK);
    desk_agree(d);
    memcpy(exponents[i], desk_slot(d)->secrets->exponent, SIZE);
    assert_memory_not_equal(exponents[i], random, SIZE);
    comes_to_the_key(d);
    desk_free(d);
  }
  for (k = 0; k < SIZE; k++) {
    assert_int_equal(exponents[0][k] ^ exponents[1][k], 0xff);
    assert_int_equal(exponents[0][k] ^ exponents[2][k], 0x5a);
    assert_int_equal(exponents[0][k] ^ exponents[7][k], 0x77);
  }
  assert_memory_equal(exponents[2], exponents[3], SIZE); /* replayed on both sides: the test's doing, and no worse than the local source */
  for (i = 4; i < 9; i++) {                              /* bytes of another size are left out */
    if (i != 7) assert_memory_equal(exponents[i], exponents[0], SIZE);
  }
}

/* R-DH-13 accept and reject: each of the 64 bits; the chat is discarded, the user told, and nothing opens under that key. */
static void a_wrong_fingerprint_ends_the_chat(void **state) {
  desk *d = desk_new(52);
  memstore *image;
  size_t size;
  uint8_t *text;
  int bit;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  text = desk_text(d, 0, "hello", &size);
  assert_int_equal(desk_message(d, text, size, 1), SCHAT_WAITING); /* it is there before, too */
  image = desk_image(d);
  for (bit = 0; bit < 64; bit++) {
    schat_chat_update u;
    schat_chat_info info;
    desk_rewind(d, image);
    world_forget(d->w);
    u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
    u.key_fingerprint = (int64_t)((uint64_t)u.key_fingerprint ^ UINT64_C(1) << bit);
    assert_int_equal(desk_tell(d, &u), SCHAT_CHAT_CLOSED);
    info = world_info(d->w, 0, d->chat_id);
    assert_int_equal(info.state, SCHAT_STATE_CLOSED);
    assert_int_equal(info.close_reason, SCHAT_CLOSE_KEY_MISMATCH);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_CLOSED), 1);
    assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->reason, SCHAT_CLOSE_KEY_MISMATCH);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
    assert_int_equal(desk_message(d, text, size, 0), SCHAT_IGNORED);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 0);
    u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
    assert_int_equal(desk_tell(d, &u), SCHAT_IGNORED); /* the right one comes too late */
    if (bit == 0) {                                    /* the discard is repeated until the server has heard it */
      assert_int_equal(desk_fail(d, SCHAT_REQUEST_DISCARD_ENCRYPTION, 500, "INTERNAL"), SCHAT_OK);
      world_pass(d->w, 1500);
      assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 2);
      world_restart(d->w, 0, 1);
      world_drain(d->w, 0);
      assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 3);
      assert_int_equal(desk_done(d, SCHAT_REQUEST_DISCARD_ENCRYPTION), SCHAT_OK);
      assert_int_equal(world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_DISCARD_PENDING, 0);
    }
  }
  desk_rewind(d, image);
  comes_to_the_key(d);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 1);
  free(text);
  memstore_free(image);
  desk_free(d);
}

/* R-DH-13, D-17: the acceptor compares as well; another fingerprint is not its chat. */
static void the_acceptor_takes_no_other_fingerprint(void **state) {
  desk *d = desk_new(53);
  schat_chat_update u;
  schat__chat before;
  memstore *image;
  (void)state;
  desk_begin(d, 0, SCHAT_STATE_ACCEPTING);
  before = desk_slot(d)->chat;
  image = desk_image(d);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.key_fingerprint ^= 1;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_KEY_FINGERPRINT);
  assert_true(desk_unchanged(d, image, &before));
  assert_int_equal(desk_answer(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, &u), SCHAT_REJECTED); /* an answer that settles nothing: asked again */
  assert_true(memstore_equal(image, d->w->peers[0].store));
  world_pass(d->w, 1000);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), 2);
  comes_to_the_key(d);
  memstore_free(image);
  desk_free(d);
}

/* R-DH-16 accept: 36 bytes of the first key, the same on both sides; R-DH-18: the fingerprint verifies nothing, only the user does. */
static void the_picture_is_alike_and_verified_by_people_only(void **state) {
  world *w = world_new(54, 2);
  int32_t id = world_chat(w, 0, 1);
  schat_chat_info a = world_info(w, 0, id), b = world_info(w, 1, id);
  uint8_t hash[SCHAT_KEY_HASH_SIZE];
  (void)state;
  assert_int_equal(schat__key_hash(w->peers[0].manager->env.crypto, puppet_slot(w->peers[0].manager, id)->chat.key, hash), SCHAT_OK);
  assert_memory_equal(a.key_hash, hash, sizeof hash);
  assert_memory_equal(a.key_hash, b.key_hash, sizeof hash);
  assert_true(a.key_fingerprint == b.key_fingerprint);
  assert_int_equal((a.flags | b.flags) & SCHAT_CHAT_VERIFIED, 0);
  assert_int_equal(schat_chat_set_verified(w->peers[0].manager, id, 1, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, id).flags & SCHAT_CHAT_VERIFIED, SCHAT_CHAT_VERIFIED);
  world_restart(w, 0, 1);
  assert_int_equal(world_info(w, 0, id).flags & SCHAT_CHAT_VERIFIED, SCHAT_CHAT_VERIFIED);
  assert_int_equal(schat_chat_set_verified(w->peers[0].manager, id, 0, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, id).flags & SCHAT_CHAT_VERIFIED, 0);
  assert_int_equal(schat_chat_discard(w->peers[0].manager, id, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_set_verified(w->peers[0].manager, id, 1, w->now), SCHAT_E_STATE);
  world_free(w);
}

/* R-DH-16, R-DH-17 accept: 100 rekeyings with restarts between leave the 36 bytes and the user's mark alone; reject: the key is another. */
static void the_picture_outlives_a_hundred_rekeyings(void **state) {
  world *w = world_new(55, 2);
  uint8_t hash[SCHAT_KEY_HASH_SIZE];
  int64_t first;
  int32_t id;
  size_t i, p;
  (void)state;
  for (p = 0; p < 2; p++) {
    w->peers[p].policy.rekey_messages = 1;
    world_restart(w, p, 0);
  }
  id = world_chat(w, 0, 1);
  memcpy(hash, world_info(w, 0, id).key_hash, sizeof hash);
  first = world_info(w, 0, id).key_fingerprint;
  assert_int_equal(schat_chat_set_verified(w->peers[1].manager, id, 1, w->now), SCHAT_OK);
  for (i = 0; world_count(w, 0, SCHAT_EVENT_REKEYED) < 100; i++) {
    assert_true(i < 400);
    assert_true(world_text(w, i % 2, id, "x", NULL) >= 0);
    world_run(w);
    world_pass(w, 1000);
    if (i % 16 == 15) world_restart(w, (i / 16) % 2, 1);
  }
  for (p = 0; p < 2; p++) {
    schat_chat_info info;
    world_restart(w, p, 1);
    info = world_info(w, p, id);
    assert_int_equal(info.state, SCHAT_STATE_READY);
    assert_memory_equal(info.key_hash, hash, sizeof hash);
    assert_true(info.key_fingerprint != first);
  }
  assert_int_equal(world_info(w, 1, id).flags & SCHAT_CHAT_VERIFIED, SCHAT_CHAT_VERIFIED);
  world_free(w);
}

/* Failures and secrets ------------------------------------------------------------------------------------------------------------ */

typedef struct {
  uint64_t state;
  long left; /* calls that succeed; -1: all */
  int failed;
} source;

static int take_random(void *user_data, uint8_t *out, size_t size) {
  source *s = user_data;
  size_t i;
  if (s->left == 0) {
    s->left = -1; /* it fails once */
    s->failed = 1;
    for (i = 0; i < size / 2; i++) out[i] = 0x55; /* and not without leaving something */
    return -1;
  }
  if (s->left > 0) s->left--;
  for (i = 0; i < size; i++) {
    s->state = s->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(s->state >> 33);
  }
  return 0;
}

static int create_chat(desk *d) {
  d->originator = 1;
  return schat_chat_create(desk_manager(d), d->other, d->w->now, &d->chat_id);
}

static int accept_chat(desk *d) {
  return schat_chat_accept(desk_manager(d), d->chat_id, d->w->now);
}

static int complete_chat(desk *d) {
  schat_chat_update u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  return schat_input_chat(desk_manager(d), &u, d->w->now);
}

/* One step of a handshake under a source that fails at its n-th call, for every n: nothing happens, and the same step works afterwards. */
static void step_survives(desk *d, source *s, int (*step)(desk *)) {
  long n;
  for (n = 0;; n++) {
    memstore *image = desk_image(d);
    schat__slot *slot = desk_slot(d);
    schat__chat before;
    schat__secrets secrets;
    int had_secrets = slot != NULL && slot->secrets != NULL, status;
    memset(&before, 0, sizeof before);
    memset(&secrets, 0, sizeof secrets);
    if (slot != NULL) before = slot->chat;
    if (had_secrets) secrets = *slot->secrets;
    s->failed = 0;
    s->left = n;
    status = step(d);
    s->left = -1;
    if (s->failed) {
      assert_int_equal(status, SCHAT_E_RANDOM);
      assert_true(memstore_equal(image, d->w->peers[0].store));
      if (slot == NULL) assert_null(desk_slot(d));
      if (slot != NULL) assert_memory_equal(&desk_slot(d)->chat, &before, sizeof before);
      if (slot != NULL) assert_int_equal(desk_slot(d)->secrets != NULL, had_secrets);
      if (had_secrets) assert_memory_equal(desk_slot(d)->secrets, &secrets, sizeof secrets);
    } else {
      assert_int_equal(status, SCHAT_OK);
    }
    memstore_free(image);
    if (!s->failed) break;
  }
  world_drain(d->w, 0);
}

/* R-DH-09 reject and accept: whichever call of the source fails, no chat, no exponent and no request come of it. */
static void a_failing_source_makes_no_chat(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(60 + (uint64_t)role);
    source s = {1, -1, 0};
    desk_parts parts = {0};
    parts.random = take_random;
    parts.random_data = &s;
    assert_int_equal(desk_reopen(d, &parts), SCHAT_OK);
    if (role == 0) {
      d->chat_id = 1;
      step_survives(d, &s, create_chat);
    } else {
      assert_int_equal(desk_invite(d), SCHAT_OK);
      step_survives(d, &s, accept_chat);
    }
    step_survives(d, &s, desk_config);
    desk_agree(d);
    step_survives(d, &s, complete_chat);
    assert_int_equal(desk_state(d), SCHAT_STATE_READY);
    assert_memory_equal(desk_slot(d)->chat.key, d->key, SIZE);
    desk_free(d);
  }
}

/* A store that refuses is no different: nothing is sent, and the same input works later. */
static void a_refused_commit_makes_no_chat(void **state) {
  desk *d = desk_new(62);
  memstore *store = d->w->peers[0].store;
  (void)state;
  memstore_fail_commit(store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(create_chat(d), SCHAT_E_FULL);
  assert_int_equal(d->chat_id, 0);
  world_drain(d->w, 0);
  assert_int_equal(d->w->peers[0].request_count + d->w->peers[0].event_count, 0);
  desk_create(d);
  memstore_fail_commit(store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(desk_config(d), SCHAT_E_FULL);
  assert_null(desk_slot(d)->secrets);
  assert_int_equal(desk_manager(d)->env.config_count, 0);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 0);
  assert_int_equal(desk_config(d), SCHAT_OK);
  desk_agree(d);
  memstore_fail_commit(store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(complete_chat(d), SCHAT_E_FULL);
  assert_int_equal(desk_state(d), SCHAT_STATE_REQUESTING);
  assert_int_equal(desk_slot(d)->chat.key_since, 0);
  comes_to_the_key(d);
  desk_free(d);
}

/* An allocator that knows what it has given, and looks at what comes back. */
typedef struct block {
  struct block *next, *previous;
  size_t size, pad;
} block;

typedef struct {
  block blocks;
  uint8_t needles[8][16];
  size_t needle_count;
  size_t released_with; /* blocks that came back with a secret in them */
} watch;

static size_t count_in(const watch *w, const uint8_t *data, size_t size) {
  size_t i, n, found = 0;
  for (i = 0; i + 16 <= size; i++) {
    for (n = 0; n < w->needle_count; n++) found += data[i] == w->needles[n][0] && memcmp(data + i, w->needles[n], 16) == 0;
  }
  return found;
}

static void *watch_allocate(void *user_data, size_t size) {
  watch *w = user_data;
  block *b = malloc(sizeof *b + size);
  if (b == NULL) return NULL;
  b->size = size;
  b->next = w->blocks.next;
  b->previous = &w->blocks;
  if (b->next != NULL) b->next->previous = b;
  w->blocks.next = b;
  return b + 1;
}

static void watch_release(void *user_data, void *memory) {
  watch *w = user_data;
  block *b = (block *)memory - 1;
  w->released_with += count_in(w, memory, b->size) > 0;
  b->previous->next = b->next;
  if (b->next != NULL) b->next->previous = b->previous;
  free(b);
}

static size_t count_live(const watch *w) {
  const block *b;
  size_t found = 0;
  for (b = w->blocks.next; b != NULL; b = b->next) found += count_in(w, (const uint8_t *)(b + 1), b->size);
  return found;
}

static void watch_for(watch *w, const uint8_t secret[SIZE]) {
  static const size_t offsets[] = {0, 80, 160, 240};
  size_t i;
  for (i = 0; i < 4; i++) memcpy(w->needles[w->needle_count++], secret + offsets[i], 16);
}

/* exponent and key are in memory as long as they are needed, and no block comes back with them; never unsealed in the store. */
static void secrets_are_wiped_when_they_are_done_with(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(70 + (uint64_t)role);
    watch w;
    schat_allocator allocator = {NULL, watch_allocate, watch_release};
    desk_parts parts = {0};
    uint8_t exponent[SIZE];
    memset(&w, 0, sizeof w);
    allocator.user_data = &w;
    parts.allocator = &allocator;
    assert_int_equal(desk_reopen(d, &parts), SCHAT_OK);
    if (role == 0) {
      desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
      memcpy(exponent, desk_slot(d)->secrets->exponent, SIZE);
      watch_for(&w, exponent);
      assert_true(count_live(&w) >= 4);
      assert_int_equal(memstore_find(d->w->peers[0].store, exponent, 16), 0);
      watch_for(&w, d->key);
      comes_to_the_key(d);
    } else {
      static const uint8_t none[SIZE];
      desk_begin(d, 0, SCHAT_STATE_ACCEPTING);
      watch_for(&w, d->key);
      assert_memory_equal(desk_slot(d)->secrets->exponent, none, SIZE); /* gone with the step that made the key */
      assert_int_equal(desk_slot(d)->secrets->has & SCHAT__HAS_EXPONENT, 0);
      comes_to_the_key(d);
    }
    if (role == 0) { /* the exponent went when the key was made */
      w.needle_count = 4;
      assert_int_equal(count_live(&w), 0);
      w.needle_count = 8;
    }
    assert_null(desk_slot(d)->secrets);
    assert_int_equal(count_live(&w), 4); /* the key, once */
    assert_int_equal(memstore_find(d->w->peers[0].store, d->key, 16), 0);
    assert_int_equal(schat_chat_discard(desk_manager(d), d->chat_id, 0, d->w->now), SCHAT_OK);
    assert_int_equal(count_live(&w), 0);
    world_drain(d->w, 0);
    schat_close(desk_manager(d));
    d->w->peers[0].manager = NULL;
    assert_null(w.blocks.next);
    assert_int_equal(w.released_with, 0);
    desk_free(d);
  }
}

/* closing the library with a chat open leaves nothing either; a handshake that was cut short neither. */
static void closing_wipes_an_open_handshake(void **state) {
  static const int stages[] = {SCHAT_STATE_REQUESTING, SCHAT_STATE_WAITING_PEER, SCHAT_STATE_READY};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    desk *d = desk_new(72 + i);
    watch w;
    schat_allocator allocator = {NULL, watch_allocate, watch_release};
    desk_parts parts = {0};
    memset(&w, 0, sizeof w);
    allocator.user_data = &w;
    parts.allocator = &allocator;
    assert_int_equal(desk_reopen(d, &parts), SCHAT_OK);
    desk_begin(d, 1, stages[i]);
    if (desk_slot(d)->secrets != NULL) watch_for(&w, desk_slot(d)->secrets->exponent);
    if (stages[i] == SCHAT_STATE_READY) watch_for(&w, desk_slot(d)->chat.key);
    assert_true(count_live(&w) >= 4);
    schat_close(desk_manager(d));
    d->w->peers[0].manager = NULL;
    assert_null(w.blocks.next);
    assert_int_equal(w.released_with, 0);
    desk_free(d);
  }
}

#define LOG_SIZE 65536u

typedef struct {
  char text[LOG_SIZE];
  size_t size, lines;
} logged;

static void note_line(void *user_data, int level, const char *text) {
  logged *l = user_data;
  size_t size = strlen(text);
  (void)level;
  l->lines++;
  if (size > LOG_SIZE - l->size) size = LOG_SIZE - l->size;
  memcpy(l->text + l->size, text, size);
  l->size += size;
}

static int says(const logged *l, const char *text) {
  size_t i, size = strlen(text);
  for (i = 0; i + size <= l->size; i++) {
    if (memcmp(l->text + i, text, size) == 0) return 1;
  }
  return 0;
}

static void must_not_say(const logged *l, const uint8_t *secret, size_t size) {
  char hex[17];
  size_t i, k;
  for (i = 0; i + 8 <= size; i += 8) {
    for (k = 0; k < 8; k++) (void)snprintf(hex + 2 * k, 3, "%02x", secret[i + k]);
    assert_false(says(l, hex));
    for (k = 0; k < 8; k++) (void)snprintf(hex + 2 * k, 3, "%02X", secret[i + k]);
    assert_false(says(l, hex));
  }
}

/* X-19, D-34: a whole chat with faults of every kind says nothing that is secret. */
static void the_log_tells_no_secret(void **state) {
  static logged l;
  desk *d = desk_new(75);
  desk_parts parts = {0};
  char number[32];
  size_t size;
  uint8_t *text;
  int64_t random_id = 0;
  (void)state;
  parts.random_data = &l;
  parts.log = note_line;
  parts.user_id = d->own;
  assert_int_equal(desk_reopen(d, &parts), SCHAT_OK);
  note_line(&l, SCHAT_LOG_INFO, "a line");
  desk_create(d);
  assert_int_equal(config_of(d, 2, desk_prime(), SIZE), SCHAT_REJECTED);
  desk_begin(d, 1, SCHAT_STATE_READY);
  text = desk_text(d, 0, "a secret word", &size);
  assert_int_equal(desk_message(d, text, size, 1), SCHAT_OK);
  text[30] ^= 1;
  assert_int_equal(desk_message(d, text, size, 2), SCHAT_REJECTED);
  assert_int_equal(world_text(d->w, 0, d->chat_id, "another secret", &random_id), SCHAT_OK);
  memstore_fail_commit(d->w->peers[0].store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(world_text(d->w, 0, d->chat_id, "third secret", NULL), SCHAT_E_FULL);
  (void)snprintf(number, sizeof number, "%lld", (long long)random_id);
  assert_true(says(&l, "a line"));
  assert_false(says(&l, number));
  assert_false(says(&l, "secret"));
  must_not_say(&l, d->key, SIZE);
  must_not_say(&l, text + 8, 16);
  free(text);
  desk_free(d);
}

/* The sources --------------------------------------------------------------------------------------------------------------------- */

/* How often a word stands in a source file. */
static size_t count_word(const char *file, const char *word) {
  char path[512];
  static char text[1u << 17];
  size_t size, i, length = strlen(word), found = 0;
  FILE *f;
  (void)snprintf(path, sizeof path, "%s/%s", SCHAT_SOURCE_DIR, file);
  f = fopen(path, "rb");
  assert_non_null(f);
  size = fread(text, 1, sizeof text, f);
  assert_true(size > 0 && size < sizeof text);
  (void)fclose(f);
  for (i = 0; i + length <= size; i++) found += memcmp(text + i, word, length) == 0;
  return found;
}

/* the exponentiation and the padding are those named, and IGE is built on EVP. */
static void only_constant_time_arithmetic_is_called(void **state) {
  static const char *const files[] = {"src/crypto/dh.c", "src/crypto/ige_evp.c", "src/crypto/file.c", "src/crypto/kdf.c",
                                      "src/crypto/seal.c"};
  static const char *const never[] = {"BN_mod_exp(", "BN_mod_exp_mont(", "BN_mod_exp_simple(",  "BN_mod_exp_recp(", "BN_bn2bin(",
                                      "BN_free(",    "AES_ige_encrypt",  "AES_set_encrypt_key", "AES_encrypt("};
  size_t i, k;
  (void)state;
  assert_true(count_word("src/crypto/dh.c", "BN_mod_exp_mont_consttime(") == 1);
  assert_true(count_word("src/crypto/dh.c", "BN_mod_exp_mont_consttime_x2(") == 1);
  assert_true(count_word("src/crypto/dh.c", "BN_bn2binpad(") == 1);
  assert_true(count_word("src/crypto/dh.c", "BN_clear_free(") >= 1);
  assert_true(count_word("src/crypto/dh.c", "BN_FLG_CONSTTIME") >= 1);
  for (i = 0; i < sizeof files / sizeof files[0]; i++) {
    for (k = 0; k < sizeof never / sizeof never[0]; k++) {
      if (count_word(files[i], never[k]) != 0) fail_msg("%s calls %s", files[i], never[k]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_begins_with_the_configuration),
      cmocka_unit_test(the_held_version_goes_with_the_question),
      cmocka_unit_test(a_bad_configuration_makes_no_key),
      cmocka_unit_test(the_published_prime_is_built_in),
      cmocka_unit_test(a_known_prime_does_not_vouch_for_its_generator),
      cmocka_unit_test(not_modified_without_a_cache_is_refused),
      cmocka_unit_test(the_acceptors_value_is_judged),
      cmocka_unit_test(the_originators_value_is_judged),
      cmocka_unit_test(a_value_that_was_seen_before_is_refused),
      cmocka_unit_test(an_invitation_with_a_value_of_another_chat_is_refused),
      cmocka_unit_test(halves_of_two_chats_do_not_make_one),
      cmocka_unit_test(the_key_depends_on_no_byte_of_the_server),
      cmocka_unit_test(server_random_is_mixed_into_the_exponent_only),
      cmocka_unit_test(a_wrong_fingerprint_ends_the_chat),
      cmocka_unit_test(the_acceptor_takes_no_other_fingerprint),
      cmocka_unit_test(the_picture_is_alike_and_verified_by_people_only),
      cmocka_unit_test(the_picture_outlives_a_hundred_rekeyings),
      cmocka_unit_test(a_failing_source_makes_no_chat),
      cmocka_unit_test(a_refused_commit_makes_no_chat),
      cmocka_unit_test(secrets_are_wiped_when_they_are_done_with),
      cmocka_unit_test(closing_wipes_an_open_handshake),
      cmocka_unit_test(the_log_tells_no_secret),
      cmocka_unit_test(only_constant_time_arithmetic_is_called),
  };
  return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
