/* SPDX-License-Identifier: BSL-1.0
 * attacks_message.c - what somebody costs who has no key: messages that do not open, and calls without a message. */
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "common/bytes.h"

#define MEBIBYTE ((size_t)1 << 20)
#define LARGEST (24 + (MEBIBYTE - 24) / 16 * 16)

static uint64_t next(uint64_t *x) {
  *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *x;
}

static uint8_t *junk(size_t size, int64_t fingerprint) {
  uint8_t *bytes = malloc(size);
  uint64_t x = size;
  if (bytes == NULL) abort();
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(next(&x) >> 56);
  schat__store64(bytes, (uint64_t)fingerprint);
  return bytes;
}

static attacked send_junk(target *t, uint64_t inputs, size_t size, int64_t fingerprint, int32_t chat_id, int32_t qts) {
  uint8_t *bytes = junk(size, fingerprint);
  attacked done = {0, 0};
  for (; done.inputs < inputs; done.inputs++) {
    bytes[8 + done.inputs % 80] ^= (uint8_t)(1 + done.inputs);
    schat__store64(bytes, (uint64_t)fingerprint);
    if (target_message(t, chat_id, bytes, size, qts == 0 ? 0 : qts++) != SCHAT_REJECTED) abort();
  }
  free(bytes);
  return done;
}

static attacked a_mebibyte(target *t, uint64_t inputs) {
  return send_junk(t, inputs, LARGEST, t->p->key_fingerprint, t->chat_id, 0);
}

static attacked a_mebibyte_of_either_version(target *t, uint64_t inputs) {
  target_slot(t)->chat.flags &= ~SCHAT__FLAG_SEEN_V2;
  return send_junk(t, inputs, LARGEST, t->p->key_fingerprint, t->chat_id, 0);
}

static attacked more_than_a_mebibyte(target *t, uint64_t inputs) {
  return send_junk(t, inputs, LARGEST + 16, t->p->key_fingerprint, t->chat_id, 0);
}

static attacked a_mebibyte_of_an_unknown_key(target *t, uint64_t inputs) {
  return send_junk(t, inputs, LARGEST, t->p->key_fingerprint ^ 1, t->chat_id, 0);
}

static attacked a_mebibyte_for_no_chat(target *t, uint64_t inputs) {
  return send_junk(t, inputs, LARGEST, t->p->key_fingerprint, t->chat_id ^ 1, 0);
}

static attacked odd_bytes(target *t, uint64_t inputs) {
  return send_junk(t, inputs, LARGEST - 1, t->p->key_fingerprint, t->chat_id, 0);
}

static attacked small_junk(target *t, uint64_t inputs) {
  return send_junk(t, inputs, 88, t->p->key_fingerprint, t->chat_id, 0);
}

static attacked small_junk_in_the_queue(target *t, uint64_t inputs) {
  return send_junk(t, inputs, 88, t->p->key_fingerprint, t->chat_id, 1);
}

/* The host does not take what waits for it. */
static attacked junk_for_a_deaf_host(target *t, uint64_t inputs) {
  t->deaf = 1;
  attacked done = send_junk(t, inputs, 88, t->p->key_fingerprint, t->chat_id, 0);
  target_drain(t);
  return done;
}

/* One lawful message, again and again. */
static attacked replays(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  size_t size;
  schat_bytes text = puppet_text(t->p, 5, "once", 0);
  uint8_t *bytes =
      puppet_seal(t->p, schat__wire_in(t->p->in_raw, t->p->originator), schat__wire_out(t->p->out_raw, t->p->originator), text, &size);
  for (; done.inputs < inputs; done.inputs++) {
    if (target_message(t, t->chat_id, bytes, size, 0) != (done.inputs == 0 ? SCHAT_OK : SCHAT_DUPLICATE)) abort();
  }
  free(bytes);
  return done;
}

static attacked typing(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  for (; done.inputs < inputs; done.inputs++) (void)target_typing(t);
  return done;
}

static attacked typing_for_a_deaf_host(target *t, uint64_t inputs) {
  t->deaf = 1;
  attacked done = typing(t, inputs);
  target_drain(t);
  return done;
}

/* A refused message costs at most one allocation for the event that says so, and what an arena takes again after a large one. */
const attack message_attacks[] = {
    {"garbage of 1 MiB", a_mebibyte, 50, {LARGEST / 16, LARGEST + 512, 0, 0, 6, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, 4096, 2 * MEBIBYTE},
    {"garbage of 1 MiB, version 1 open",
     a_mebibyte_of_either_version,
     20,
     {2 * LARGEST / 16, 3 * LARGEST, 0, 0, 8, 0, 0},
     {0, 0, 0, 0, 0, 0, 0},
     4096,
     3 * MEBIBYTE},
    {"a block more than 1 MiB", more_than_a_mebibyte, 1000, {0, 0, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, 4096, 4096},
    {"1 MiB under an unknown key", a_mebibyte_of_an_unknown_key, 1000, {0, 0, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, 4096, 4096},
    {"1 MiB for an unknown chat", a_mebibyte_for_no_chat, 1000, {0, 0, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, 4096, 4096},
    {"1 MiB less a byte", odd_bytes, 1000, {0, 0, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, 4096, 4096},
    {"a million small messages of garbage", small_junk, 1000000, {4, 512, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 16, 0, 0}, 8192, 16384},
    {"garbage that moves the queue on", small_junk_in_the_queue, 20000, {4, 512, 0, 0, 12, 128, 1}, {0, 0, 0, 0, 16, 4096, 1}, 8192, 16384},
    {"garbage for a host that takes no events",
     junk_for_a_deaf_host,
     100000,
     {4, 512, 0, 0, 2, 0, 0},
     {0, 0, 0, 0, 16, 0, 0},
     8192,
     256 * 1024},
    {"one message a million times", replays, 1000000, {8, 1024, 0, 0, 1, 1, 0}, {0, 0, 0, 0, 64, 4096, 4}, 12288, 16384},
    {"a million updates of typing", typing, 1000000, {0, 0, 0, 0, 2, 0, 0}, {0, 0, 0, 0, 16, 0, 0}, 8192, 16384},
    {"typing for a host that takes no events",
     typing_for_a_deaf_host,
     100000,
     {0, 0, 0, 0, 2, 0, 0},
     {0, 0, 0, 0, 16, 0, 0},
     8192,
     256 * 1024},
};
const size_t message_attack_count = sizeof message_attacks / sizeof message_attacks[0];
