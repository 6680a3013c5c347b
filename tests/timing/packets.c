/* SPDX-License-Identifier: BSL-1.0
 * packets.c - makes messages that only who has the key can make, with one thing wrong. */
#include "packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"

uint8_t packet_key[256];
static int64_t fingerprint;
static uint64_t state;

uint64_t draw(void) { /* splitmix64 */
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) p[i] = (uint8_t)(draw() >> 32);
}

static void need(int status) {
  if (status == SCHAT_OK) return;
  fprintf(stderr, "no packet: %d\n", status);
  exit(2);
}

void packets_open(schat__crypto *crypto, uint64_t seed) {
  state = seed;
  fill(packet_key, sizeof packet_key);
  need(schat__key_fingerprint(crypto, packet_key, &fingerprint));
}

/* A lawful length leaves 12 to 1024 bytes of padding in MTProto 2, 0 to 15 in MTProto 1. */
static uint32_t length_of(int mtproto, reason why) {
  const uint32_t room = PADDED - 4;
  switch (why) {
    case BAD_LENGTH:
      return (uint32_t)draw() | 0x40000001u; /* far past the end, and odd */
    case BAD_PADDING:
      if (mtproto == 2) return room - 4 * (uint32_t)(draw() % 3); /* 0, 4 or 8 */
      return room - 16 - 4 * (uint32_t)(draw() % 64);
    default:
      return mtproto == 2 ? room - 12 - 4 * (uint32_t)(draw() % 64) : room - 4 * (uint32_t)(draw() % 4);
  }
}

static void make(schat__crypto *crypto, int mtproto, reason why, uint8_t packet[PACKET]) {
  uint8_t aes_key[32], aes_iv[32], *text = packet + SCHAT__ENVELOPE_HEAD;
  fill(text, PADDED);
  schat__store64(packet, (uint64_t)fingerprint);
  schat__store32(text, length_of(mtproto, why));
  size_t hashed = mtproto == 1 && schat__load32(text) <= PADDED - 4 ? 4 + schat__load32(text) : PADDED;
  if (mtproto == 2) {
    need(schat__msg_key2(crypto, packet + 8, packet_key, 8, text, PADDED));
    if (why == BAD_MSG_KEY || why == FIXED) packet[8 + draw() % 16] ^= (uint8_t)(1u << draw() % 8);
    need(schat__kdf2(crypto, aes_key, aes_iv, packet_key, packet + 8, 8));
  } else {
    need(schat__msg_key1(crypto, packet + 8, text, hashed));
    if (why == BAD_MSG_KEY || why == FIXED) packet[8 + draw() % 16] ^= (uint8_t)(1u << draw() % 8);
    need(schat__kdf1(crypto, aes_key, aes_iv, packet_key, packet + 8, 0));
  }
  need(schat__ige_encrypt(crypto, aes_key, aes_iv, text, text, PADDED)); /* so that a bad msg_key opens to a lawful length all the same */
}

void packet_make(schat__crypto *crypto, int mtproto, reason why, uint8_t packet[PACKET]) {
  uint64_t kept = state;
  if (why == FIXED) state = (uint64_t)mtproto;
  make(crypto, mtproto, why, packet);
  if (why == FIXED) state = kept;
}
